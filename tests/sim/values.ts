/** Values are numbered, so that each is recognised; what follows the number only gives them a size. */

import { utf8 } from "../../src/base/mod.ts";

export function paddedValue(name: string, sizeBytes: number): Uint8Array {
  return utf8(`${name};`.padEnd(sizeBytes, "."));
}

export function nameOf(value: Uint8Array): string {
  const text = new TextDecoder().decode(value);
  const end = text.indexOf(";");
  return end < 0 ? text : text.slice(0, end);
}
