/**
 * Commands as text, for `keva inspect`: which keys, how large, never the values.
 */

import { printable } from "../base/mod.ts";
import { decodeCommand } from "./command.ts";

export function describeCommand(bytes: Uint8Array): string {
  const command = decodeCommand(bytes);
  if (!command.ok) return `unreadable command (${command.error})`;
  const { checks, mutations } = command.value;
  const parts = [
    ...checks.map((check) =>
      check.kind === "revision"
        ? `if ${printable(check.key)} at ${check.revision}`
        : `if ${printable(check.key)} exists`
    ),
    ...mutations.map((mutation) =>
      mutation.kind === "put"
        ? `put ${printable(mutation.key)} (${mutation.value.length} bytes)`
        : `delete ${printable(mutation.key)}`
    ),
  ];
  return parts.join(", ") || "nothing";
}
