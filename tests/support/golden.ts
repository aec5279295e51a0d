/**
 * Files whose content a test must reproduce. `KEVA_UPDATE=1` writes what it is now; read the diff.
 */

import assert from "node:assert/strict";
import { hex } from "../../src/base/mod.ts";

export const UPDATE: boolean = Deno.env.get("KEVA_UPDATE") === "1";

/** Fails unless the file `name`, relative to `here`, holds `actual`. */
export function golden(here: string, name: string, actual: string): void {
  const path = new URL(`testdata/${name}`, here);
  if (UPDATE) Deno.writeTextFileSync(path, actual);
  assert.equal(actual, Deno.readTextFileSync(path), `${name} (KEVA_UPDATE=1 accepts the change)`);
}

/** Bytes as lines that a reviewer can compare: offset, hexadecimal, printable characters. */
export function hexDump(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const digits = hex(row).replace(/../g, "$& ").padEnd(48);
    const letters = Array.from(row, (byte) => byte > 32 && byte < 127 ? byte : 46);
    text += `${at.toString(16).padStart(4, "0")}  ${digits} ${String.fromCharCode(...letters)}\n`;
  }
  return text;
}
