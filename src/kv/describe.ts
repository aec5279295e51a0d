/**
 * Commands as text, for `keva inspect`: which keys and records, how large, never the values.
 */

import { printable, printableText } from "../base/mod.ts";
import { decodeCommand } from "./command.ts";
import type { Check, Mutation } from "./types.ts";

export function describeCommand(bytes: Uint8Array): string {
  const command = decodeCommand(bytes);
  if (!command.ok) return `unreadable command (${command.error})`;
  const { checks, mutations, request } = command.value;
  const parts = [
    ...request === undefined ? [] : [`once as ${printableText(request)}`],
    ...checks.map(describeCheck),
    ...mutations.map(describeMutation),
  ];
  return parts.join(", ") || "nothing";
}

function describeCheck(check: Check): string {
  switch (check.kind) {
    case "revision":
      return `if ${printable(check.key)} at ${check.revision}`;
    case "exists":
      return `if ${printable(check.key)} exists`;
    case "record":
      return `if ${check.of} ${printableText(check.name)} at ${check.revision}`;
  }
}

function describeMutation(mutation: Mutation): string {
  switch (mutation.kind) {
    case "put":
      return `put ${printable(mutation.key)} (${mutation.value.length} bytes)`;
    case "delete":
      return `delete ${printable(mutation.key)}`;
    case "setRecord":
      return `set ${mutation.of} ${printableText(mutation.name)} (${mutation.body.length} bytes)`;
    case "deleteRecord":
      return `delete ${mutation.of} ${printableText(mutation.name)}`;
  }
}
