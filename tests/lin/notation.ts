/**
 * Histories as text, one operation per line: client, times, key, call, answer.
 *
 * ```
 * c1 1-2 x put a      : @5              also: @5 new, @5 old (it said whether there was an item)
 * c1 3-4 x get        : a@5             also: absent
 * c1 5-6 x delete     : @6 existed      also: @6 absent
 * c1 7-8 x cas b @5   : @7              also: refused @6, refused @0; cas b @0 wants no item
 * c1 9-… x put c      : ?               unknown;  none: it failed without effect
 * ```
 */

import type { Call, Operation, Outcome } from "./history.ts";

export function parseHistory(text: string): Operation[] {
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "").map(parseLine);
}

function parseLine(line: string): Operation {
  const [left, answer] = line.split(":").map((part) => part.trim());
  const [client, times, key, ...call] = (left ?? "").split(/ +/);
  const [from, to] = (times ?? "").split("-");
  if (!client || !key || !answer || !from || !to) throw new Error(`not an operation: ${line}`);
  return {
    client,
    key,
    call: parseCall(call),
    startedAt: Number(from),
    endedAt: to === "…" ? null : Number(to),
    outcome: parseOutcome(call[0] ?? "", answer),
  };
}

function parseCall([kind, value = "", expected = ""]: readonly string[]): Call {
  switch (kind) {
    case "get":
    case "delete":
      return { kind };
    case "put":
      return { kind, value };
    case "cas":
      return { kind, value, expected: Number(expected.slice(1)) };
    default:
      throw new Error(`not a call: ${kind}`);
  }
}

function parseOutcome(kind: string, answer: string): Outcome {
  if (answer === "?") return { kind: "unknown" };
  if (answer === "none") return { kind: "none" };
  const [, value, digits, more] = /^(\S*?) ?@(\d+) ?(\w*)$/.exec(answer) ?? [];
  const revision = Number(digits ?? 0);
  if (kind === "get") return { kind: "read", value: value ?? null, revision };
  if (value === "refused") return { kind: "refused", revision };
  if (kind === "delete") return { kind: "deleted", revision, existed: more === "existed" };
  return more === "" || more === undefined
    ? { kind: "written", revision }
    : { kind: "written", revision, created: more === "new" };
}
