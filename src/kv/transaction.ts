/**
 * What a transaction does, found out before anything is done: its steps become plain mutations, or
 * one of them cannot be done, and then nothing has happened.
 */

import { concat, err, fromUtf8, limits, ok, type Result, utf8 } from "../base/mod.ts";
import { expiryOf } from "./expiries.ts";
import { keyBytes, keyText } from "./key_text.ts";
import type {
  Item,
  KeyMutation,
  KeyRange,
  Revision,
  Step,
  StepFailure,
  StepResult,
} from "./types.ts";

/** The state as it is before the transaction. */
export type Before = {
  readonly timeMs: number;
  get(key: Uint8Array): Item | undefined;
  items(range: KeyRange, reverse: boolean): Iterable<[key: Uint8Array, item: Item]>;
};

export type Plan = {
  readonly mutations: readonly KeyMutation[];
  readonly results: readonly StepResult[];
};

export type Refused = { readonly step: number; readonly reason: StepFailure };

/** What it took to find the plan: items looked at, and bytes read or written. */
export type Cost = { readonly items: number; readonly bytes: number };

type NumberStep = Extract<Step, { readonly operand: bigint }>;
type Outcome = Result<StepResult, StepFailure>;

const NUMBER = /^-?[0-9]{1,19}$/;
const NUMBER_BYTES_MAX = 20;
/** Of a number that a transaction creates. */
const NUMBER_TYPE = "text/plain";

export function planSteps(
  steps: readonly Step[],
  before: Before,
  revision: Revision,
): { readonly plan: Result<Plan, Refused>; readonly cost: Cost } {
  const draft = new Draft(before, revision);
  const results: StepResult[] = [];
  for (const [step, one] of steps.entries()) {
    const result = draft.take(one);
    const reason = result.ok ? draft.excess : result.error;
    if (reason !== null) return { plan: err({ step, reason }), cost: draft.cost };
    if (result.ok) results.push(result.value);
  }
  return { plan: ok({ mutations: draft.mutations, results }), cost: draft.cost };
}

/** The state with what the steps so far would have done. */
class Draft {
  readonly mutations: KeyMutation[] = [];
  readonly #before: Before;
  readonly #revision: Revision;
  #items = 0;
  #bytesRead = 0;
  #bytesWritten = 0;
  /** What changed, by the text of the key; null: it holds no item any more. */
  readonly #changed = new Map<string, Item | null>();

  constructor(before: Before, revision: Revision) {
    this.#before = before;
    this.#revision = revision;
  }

  get cost(): Cost {
    return { items: this.#items, bytes: this.#bytesRead + this.#bytesWritten };
  }

  /** Which bound has been passed. */
  get excess(): StepFailure | null {
    if (this.#items > limits.transactionItemsMax) return "tooManyItems";
    if (this.#bytesWritten > limits.transactionBytesMax) return "tooManyBytes";
    return this.#bytesRead > limits.transactionResultBytesMax ? "resultsTooLong" : null;
  }

  take(step: Step): Outcome {
    switch (step.kind) {
      case "get":
        return ok({ kind: "got", item: this.#read(step.key) });
      case "put":
        return ok({ kind: "changed", existed: this.#put(step) });
      case "delete":
        return ok({ kind: "changed", existed: this.#delete(step.key) });
      case "deleteRange":
        return ok({ kind: "deleted", count: this.#deleteRange(step.range) });
      case "append":
        return this.#append(step);
      default:
        return this.#calculate(step);
    }
  }

  #get(key: Uint8Array): Item | null {
    this.#items++;
    const changed = this.#changed.get(keyText(key));
    return changed === undefined ? this.#before.get(key) ?? null : changed;
  }

  #read(key: Uint8Array): Item | null {
    const item = this.#get(key);
    if (item !== null) this.#bytesRead += item.value.length + item.contentType.length;
    return item;
  }

  #put(put: Extract<KeyMutation, { kind: "put" }>): boolean {
    const { key, value, contentType, lifetime } = put;
    const existed = this.#get(key) !== null;
    const item = { value, contentType, revision: this.#revision };
    const expiresMs = expiryOf(lifetime, this.#before.timeMs);
    this.#changed.set(keyText(key), expiresMs === 0 ? item : { ...item, expiresMs });
    this.#bytesWritten += value.length;
    this.mutations.push(put);
    return existed;
  }

  /** What is beside the value stays as it is, and so does the time at which the item expires. */
  #change(key: Uint8Array, item: Item | null, value: Uint8Array, typeOfNew: string): void {
    const contentType = item?.contentType ?? typeOfNew;
    const atMs = item?.expiresMs;
    const lifetime = atMs === undefined ? {} : { lifetime: { atMs } };
    this.#put({ kind: "put", key, value, contentType, ...lifetime });
  }

  #delete(key: Uint8Array): boolean {
    if (this.#get(key) === null) return false;
    this.#changed.set(keyText(key), null);
    this.mutations.push({ kind: "delete", key });
    return true;
  }

  /** In byte order; no further than a transaction may go. */
  #deleteRange(range: KeyRange): number {
    const texts = new Set<string>();
    const [low, high] = [keyText(range.start), range.end === null ? null : keyText(range.end)];
    for (const text of this.#changed.keys()) {
      if (text >= low && (high === null || text < high)) texts.add(text);
    }
    const room = limits.transactionItemsMax - this.#items;
    for (const [key] of this.#before.items(range, false)) {
      if (texts.size > room) break;
      texts.add(keyText(key));
    }
    const before = this.mutations.length;
    for (const text of [...texts].sort()) this.#delete(keyBytes(text));
    return this.mutations.length - before;
  }

  #append({ key, value, bytesMax }: Extract<Step, { kind: "append" }>): Outcome {
    const item = this.#get(key);
    const whole = item === null ? value : concat([item.value, value]);
    if (whole.length > bytesMax) return err("valueTooLong");
    this.#change(key, item, whole, "");
    return ok({ kind: "appended", bytes: whole.length });
  }

  #calculate({ kind, key, operand }: NumberStep): Outcome {
    const item = this.#get(key);
    const present = item === null ? null : numberOf(item.value);
    if (item !== null && present === null) return err("notANumber");
    const value = present === null ? operand : combined(kind, present, operand);
    if (!isInt64(value)) return err("overflow");
    this.#change(key, item, utf8(String(value)), NUMBER_TYPE);
    return ok({ kind: "number", value });
  }
}

function combined(kind: NumberStep["kind"], present: bigint, operand: bigint): bigint {
  if (kind === "sum") return present + operand;
  const isLess = operand < present;
  return isLess === (kind === "min") ? operand : present;
}

function numberOf(value: Uint8Array): bigint | null {
  if (value.length > NUMBER_BYTES_MAX) return null;
  const text = fromUtf8(value);
  if (!text.ok || !NUMBER.test(text.value)) return null;
  const number = BigInt(text.value);
  return isInt64(number) ? number : null;
}

function isInt64(number: bigint): boolean {
  return BigInt.asIntN(64, number) === number;
}
