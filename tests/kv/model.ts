/** The state machine as simply as it can be said: a plain map, whole state compared as text. */

import { bytesEqual, hex } from "../../src/base/mod.ts";
import type {
  Check,
  Command,
  FirstOutcome,
  Item,
  Mutation,
  Outcome,
  StateRecord,
} from "../../src/kv/mod.ts";

export class Model {
  readonly items = new Map<string, { key: Uint8Array; item: Item }>();
  readonly records = new Map<string, StateRecord>();

  readonly requests = new Map<string, { command: string; outcome: FirstOutcome }>();

  apply(index: number, { request, ...command }: Command): Outcome {
    if (request === undefined) return this.#execute(index, command);
    const text = JSON.stringify(
      command,
      (_, part) => part instanceof Uint8Array ? hex(part) : part,
    );
    const before = this.requests.get(request);
    if (before?.command === text) return { kind: "repeated", first: before.outcome };
    if (before !== undefined) return { kind: "requestReused" };
    const outcome = this.#execute(index, command);
    this.requests.set(request, { command: text, outcome });
    return outcome;
  }

  #execute(index: number, { checks, mutations }: Command): FirstOutcome {
    for (const [position, check] of checks.entries()) {
      const revision = this.#revisionOf(check);
      const holds = check.kind === "exists" ? revision > 0 : revision === check.revision;
      if (!holds) return { kind: "checkFailed", check: position, revision };
    }
    const existed = mutations.map((mutation) => this.#mutate(index, mutation));
    return { kind: "applied", revision: index, existed };
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
    const name = hex(mutation.key);
    const before = this.items.has(name);
    if (mutation.kind === "delete") this.items.delete(name);
    else {
      const { key, value, contentType } = mutation;
      this.items.set(name, { key, item: { value, contentType, revision } });
    }
    return before;
  }

  /** In byte order. */
  sorted(): { key: Uint8Array; item: Item }[] {
    return [...this.items.values()].sort((a, b) => compare(a.key, b.key));
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return bytesEqual(a, b) ? 0 : a.length - b.length;
}
