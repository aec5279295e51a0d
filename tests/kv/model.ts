/** The state machine as simply as it can be said: a plain map, whole state compared as text. */

import { bytesEqual, compareBytes, fromUtf8, hex, utf8 } from "../../src/base/mod.ts";
import type {
  Check,
  Command,
  FirstOutcome,
  Item,
  Mutation,
  Outcome,
  StateRecord,
  Step,
  StepFailure,
  StepResult,
  Transaction,
} from "../../src/kv/mod.ts";

export class Model {
  items = new Map<string, { key: Uint8Array; item: Item }>();
  readonly records = new Map<string, StateRecord>();

  readonly requests = new Map<string, { command: string; outcome: FirstOutcome }>();

  timeMs = 0;

  apply(index: number, { request, ...command }: Command, timeMs = 0): Outcome {
    this.timeMs = Math.max(this.timeMs, timeMs);
    if (request === undefined) return this.#execute(index, command);
    const text = JSON.stringify(command, (_, part) => {
      if (typeof part === "bigint") return `${part}`;
      return part instanceof Uint8Array ? hex(part) : part;
    });
    const before = this.requests.get(request);
    if (before?.command === text) return { kind: "repeated", first: before.outcome };
    if (before !== undefined) return { kind: "requestReused" };
    const outcome = this.#execute(index, command);
    this.requests.set(request, { command: text, outcome });
    return outcome;
  }

  #execute(index: number, command: Command): FirstOutcome {
    if (!("mutations" in command)) return this.#transact(index, command);
    const check = command.checks.findIndex((check) => !this.#holds(check));
    if (check >= 0) {
      const revision = this.#revisionOf(command.checks[check] as Check);
      return { kind: "checkFailed", check, revision };
    }
    const existed = command.mutations.map((mutation) => this.#mutate(index, mutation));
    return { kind: "applied", revision: index, existed };
  }

  /** As one would do by hand: step by step, and all of it taken back when one fails. */
  #transact(revision: number, { checks, steps, elseSteps }: Transaction): FirstOutcome {
    const check = checks.findIndex((check) => !this.#holds(check));
    const isElse = check >= 0;
    const before = new Map(this.items);
    const results: StepResult[] = [];
    for (const [step, one] of (isElse ? elseSteps : steps).entries()) {
      const result = this.#step(revision, one);
      if (typeof result === "string") {
        this.items = before;
        return { kind: "stepFailed", isElse, step, reason: result };
      }
      results.push(result);
    }
    return { kind: "transacted", revision, failedCheck: isElse ? check : null, results };
  }

  #step(revision: number, step: Step): StepResult | StepFailure {
    if (step.kind === "deleteRange") {
      const { start, end } = step.range;
      const gone = this.sorted().filter(({ key }) =>
        compareBytes(key, start) >= 0 && (end === null || compareBytes(key, end) < 0)
      );
      for (const { key } of gone) this.items.delete(hex(key));
      return { kind: "deleted", count: gone.length };
    }
    if (step.kind === "put" || step.kind === "delete") {
      return { kind: "changed", existed: this.#mutate(revision, step) };
    }
    const { key } = step;
    const item = this.items.get(hex(key))?.item ?? null;
    if (step.kind === "get") return { kind: "got", item };
    const lifetime = item?.expiresMs === undefined ? {} : { lifetime: { atMs: item.expiresMs } };
    const put = (value: Uint8Array, contentType: string) =>
      this.#mutate(revision, { kind: "put", key, value, contentType, ...lifetime });
    if (step.kind === "append") {
      const value = Uint8Array.of(...(item?.value ?? []), ...step.value);
      if (value.length > step.bytesMax) return "valueTooLong";
      put(value, item?.contentType ?? "");
      return { kind: "appended", bytes: value.length };
    }
    const text = item === null ? "" : fromUtf8(item.value);
    if (typeof text !== "string" && !(text.ok && /^-?\d+$/.test(text.value))) return "notANumber";
    const present = typeof text === "string" || !text.ok ? null : BigInt(text.value);
    if (present !== null && BigInt.asIntN(64, present) !== present) return "notANumber";
    const { operand } = step;
    const value = present === null
      ? operand
      : step.kind === "sum"
      ? present + operand
      : [present, operand].sort((a, b) => Number(a - b))[step.kind === "min" ? 0 : 1] as bigint;
    if (value >= 2n ** 63n || value < -(2n ** 63n)) return "overflow";
    put(utf8(`${value}`), item?.contentType ?? "text/plain");
    return { kind: "number", value };
  }

  #holds(check: Check): boolean {
    if (check.kind === "value") {
      const found = this.items.get(hex(check.key));
      return found !== undefined && bytesEqual(found.item.value, check.value);
    }
    const revision = this.#revisionOf(check);
    return check.kind === "exists" ? revision > 0 : revision === check.revision;
  }

  #revisionOf(check: Check): number {
    if (check.kind !== "record") return this.items.get(hex(check.key))?.item.revision ?? 0;
    return this.records.get(`${check.of}/${check.name}`)?.revision ?? 0;
  }

  #mutate(revision: number, mutation: Mutation): boolean {
    if (mutation.kind === "setRecord" || mutation.kind === "deleteRecord") {
      const { of, name } = mutation;
      const before = this.records.delete(`${of}/${name}`);
      if (mutation.kind === "deleteRecord") return before;
      this.records.set(`${of}/${name}`, { kind: of, name, body: mutation.body, revision });
      return before;
    }
    if (mutation.kind === "expire") {
      const due = this.#due().slice(0, mutation.countMax);
      for (const { key } of due) this.items.delete(hex(key));
      return due.length > 0;
    }
    const name = hex(mutation.key);
    const before = this.items.has(name);
    if (mutation.kind === "delete") this.items.delete(name);
    else {
      const { key, value, contentType, lifetime } = mutation;
      const item = { value, contentType, revision };
      const expiresMs = lifetime === undefined
        ? null
        : "atMs" in lifetime
        ? lifetime.atMs
        : Math.min(this.timeMs + lifetime.afterMs, Number.MAX_SAFE_INTEGER);
      this.items.set(name, { key, item: expiresMs === null ? item : { ...item, expiresMs } });
    }
    return before;
  }

  /** Those that are due, in the order in which they became so. */
  #due(): { key: Uint8Array; item: Item }[] {
    const due = this.sorted().filter(({ item }) => (item.expiresMs ?? Infinity) <= this.timeMs);
    return due.sort((a, b) => (a.item.expiresMs ?? 0) - (b.item.expiresMs ?? 0));
  }

  /** In byte order. */
  sorted(): { key: Uint8Array; item: Item }[] {
    return [...this.items.values()].sort((a, b) => compareBytes(a.key, b.key));
  }
}
