/**
 * Commands as text, for `keva inspect`: which keys and records, how large, never the values.
 */

import { printable, printableText } from "../base/mod.ts";
import { decodeCommand } from "./command.ts";
import type { Check, Lifetime, Mutation, Step } from "./types.ts";

export function describeCommand(bytes: Uint8Array): string {
  const command = decodeCommand(bytes);
  if (!command.ok) return `unreadable command (${command.error})`;
  const { named } = command.value;
  const once = named === undefined ? [] : [`once as ${printable(named.name)}`];
  const checks = [...once, ...command.value.checks.map(describeCheck)];
  if ("mutations" in command.value) {
    return [...checks, ...command.value.mutations.map(describeMutation)].join(", ") || "nothing";
  }
  const steps = command.value.steps.map(describeStep);
  const elseSteps = command.value.elseSteps.map(describeStep);
  const parts = [...checks, `then ${steps.join(", ") || "nothing"}`];
  if (elseSteps.length > 0) parts.push(`else ${elseSteps.join(", ")}`);
  return `transaction: ${parts.join(", ")}`;
}

function describeCheck(check: Check): string {
  switch (check.kind) {
    case "revision":
      return `if ${printable(check.key)} at ${check.revision}`;
    case "exists":
      return `if ${printable(check.key)} exists`;
    case "value":
      return `if ${printable(check.key)} has a value of ${check.value.length} bytes`;
    case "record":
      return `if ${check.of} ${printableText(check.name)} at ${check.revision}`;
  }
}

function describeMutation(mutation: Mutation): string {
  switch (mutation.kind) {
    case "put":
      return `put ${printable(mutation.key)} (${mutation.value.length} bytes)` +
        describeLifetime(mutation.lifetime);
    case "delete":
      return `delete ${printable(mutation.key)}`;
    case "expire":
      return `delete what is due, up to ${mutation.countMax} items`;
    case "setRecord":
      return `set ${mutation.of} ${printableText(mutation.name)} (${mutation.body.length} bytes)`;
    case "deleteRecord":
      return `delete ${mutation.of} ${printableText(mutation.name)}`;
  }
}

function describeLifetime(lifetime: Lifetime | undefined): string {
  if (lifetime === undefined) return "";
  return "afterMs" in lifetime ? ` for ${lifetime.afterMs} ms` : ` until ${lifetime.atMs}`;
}

function describeStep(step: Step): string {
  switch (step.kind) {
    case "put":
    case "delete":
      return describeMutation(step);
    case "deleteRange": {
      const { start, end } = step.range;
      return `delete from ${printable(start)} ${end === null ? "on" : `to ${printable(end)}`}`;
    }
    case "append":
      return `append to ${printable(step.key)} (${step.value.length} bytes)`;
    default:
      return `${step.kind} ${printable(step.key)}`;
  }
}
