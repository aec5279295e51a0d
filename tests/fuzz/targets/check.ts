/** Comparisons of the targets that are cheap enough for a million cases. */

import { bytesEqual, hex } from "../../../src/base/mod.ts";

export function expect(holds: boolean, message: () => string): void {
  if (!holds) throw new Error(message());
}

export function expectSame(actual: Uint8Array, expected: Uint8Array, what: string): void {
  expect(bytesEqual(actual, expected), () => `${what}: ${hex(actual)}, not ${hex(expected)}`);
}

/** Text that reaches logs, answers or terminals. */
export function expectPrintable(text: string, what: string): void {
  expect(!CONTROL.test(text), () => `${what} is not printable: ${JSON.stringify(text)}`);
}

const CONTROL = /\p{Cc}/u;
