/** What a protocol must offer to the clients of the load generator, and the checks they share. */

import { KEY_BYTES, type Operation } from "../workload.ts";

/** One client's way to one node. It has one request under way at most. */
export interface Session {
  /** That the last right answer carried. */
  readonly revision: number;
  /** Sends a request and checks its answer: null when it was right, else what was wrong. */
  ask(operation: Operation, key: Uint8Array): Promise<string | null>;
}

export interface Protocol {
  /** To the node at `port`, with values of this length; connects when it is first used. */
  session(port: number, valueBytes: number): Session;
  /** Closes every connection. */
  close(): void;
}

/** Where a value lies, in bytes that are not the caller's to keep. */
export type Span = { readonly bytes: Uint8Array; readonly start: number; readonly end: number };

/** A value has the length of its data set and begins with the key that it was stored under. */
export function valueFault(
  { bytes, start, end }: Span,
  key: Uint8Array,
  valueBytes: number,
): string | null {
  if (end - start !== valueBytes) return "wrong: the length of the value";
  for (let i = 0; i < KEY_BYTES; i++) {
    if (bytes[start + i] !== key[i]) return "wrong: the value of another key";
  }
  return null;
}

/** Random bytes, which no store or disk could make smaller; the caller writes the key over them. */
export function randomValue(valueBytes: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(valueBytes));
}
