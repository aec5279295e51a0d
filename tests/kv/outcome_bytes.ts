import { ByteWriter } from "../../src/base/mod.ts";
import { type Outcome, writeOutcome } from "../../src/kv/mod.ts";

/** The bytes of one outcome; the product writes many into one buffer. */
export function encodeOutcome(outcome: Outcome): Uint8Array {
  return writeOutcome(new ByteWriter(), outcome).finish();
}
