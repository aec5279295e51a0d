/**
 * The state machine: an ordered map from keys to items, changed only by log entries.
 *
 * Invariants:
 * - S1 the state after entry n is a function of the entries 1 to n alone.
 * - S2 `applied` grows by one per entry; the revision of an item is the index of its write.
 * - S3 a command happens as a whole or not at all.
 * - S4 `timeMs` never decreases, whatever the leaders' clocks do.
 */

import { assert, bytesEqual, ByteWriter, type Hash, invariant, limits, utf8 } from "../base/mod.ts";
import {
  decodeCommand,
  decodeFirstOutcome,
  type Named,
  type StampedCommand,
  writeOutcome,
} from "./command.ts";
import { ItemsDigest } from "./digest.ts";
import { Expiries, expiryOf } from "./expiries.ts";
import { type Cursor, History } from "./history.ts";
import { HEAD_BYTES, Image } from "./image.ts";
import { type Held, Items } from "./items.ts";
import { keyBytes, keyText } from "./key_text.ts";
import { Records } from "./records.ts";
import { type KeptRequest, Requests } from "./requests.ts";
import { NO_SLOT, type Slot } from "./slots.ts";
import { planSteps } from "./transaction.ts";
import type {
  Check,
  Command,
  FirstOutcome,
  Item,
  KeyRange,
  Mutation,
  Outcome,
  RecordKind,
  StateRecord,
  Transaction,
  Write,
} from "./types.ts";
import { type View, Views } from "./views.ts";

/** About what is copied or compared in the time that one item takes. */
const BYTES_PER_WORK = 4096;

export class KvState {
  readonly #hash: Hash;
  readonly #items: Items;
  readonly #views: Views;
  readonly #digest: ItemsDigest;
  readonly #records: Records;
  readonly #requests: Requests;
  /** One for all, since what it holds is copied at once. */
  readonly #outcomeWriter = new ByteWriter();
  readonly #expiries: Expiries;
  #applied = 0;
  #timeMs = 0;
  #history = new History(0);
  #work = 0;
  /** So many changes of the entry at #applied were recorded. */
  #changesOfEntry = 0;

  constructor(hash: Hash) {
    this.#hash = hash;
    this.#items = new Items(hash);
    this.#views = new Views(this.#items);
    this.#digest = new ItemsDigest(hash);
    this.#records = new Records(hash);
    this.#requests = new Requests(hash);
    this.#expiries = new Expiries(hash);
  }

  /** The index of the last entry that is reflected here. */
  get applied(): number {
    return this.#applied;
  }

  /** The cluster's time: the highest that a leader has stamped on a command. */
  get timeMs(): number {
    return this.#timeMs;
  }

  get size(): number {
    return this.#items.size;
  }

  /**
   * How much this node has done with entries, in items touched and in every 4 KiB read or written:
   * what it costs to apply one cannot be seen from its length.
   */
  get work(): number {
    return this.#work;
  }

  /** What its items take, with up to as much again that was overwritten; see {@link Items}. */
  get sizeBytes(): number {
    return this.#items.sizeBytes;
  }

  /** What has changed of late. */
  get history(): History {
    return this.#history;
  }

  /** Behind everything that has happened. */
  get now(): Cursor {
    return { revision: this.#applied, position: Infinity };
  }

  get(key: Uint8Array): Item | undefined {
    return this.#find(key)?.item;
  }

  /** When an item is the first to be due, by the cluster's time; Infinity: none ever is. */
  get nextExpiryMs(): number {
    return this.#expiries.nextMs;
  }

  /** In the order of their names. */
  records(kind: RecordKind): StateRecord[] {
    return this.#records.of(kind);
  }

  get recordsCount(): number {
    return this.#records.size;
  }

  /**
   * The index at which records last changed, or that of the image which they came with: another
   * number whenever they may differ from what this node had before.
   */
  get recordsVersion(): number {
    return this.#records.version;
  }

  /** Applies the command that the entry at `index` carries. */
  apply(index: number, payload: Uint8Array): Outcome {
    const command = decodeCommand(payload);
    // Leaders refuse what they cannot read, so this is a log of a newer version, or damage.
    invariant("S1", command.ok, () => `unreadable command at ${index}`);
    this.#advance(index);
    this.#timeMs = Math.max(this.#timeMs, command.value.timeMs);
    const { named } = command.value;
    return named === undefined
      ? this.#execute(command.value)
      : this.#executeOnce(command.value, named);
  }

  /** What the request called `name` gave, when it was applied; undefined: it was not, of late. */
  request(name: string): { readonly outcome: FirstOutcome; readonly timeMs: number } | undefined {
    const kept = this.#requests.get(utf8(name));
    return kept && { outcome: outcomeOf(kept), timeMs: kept.timeMs };
  }

  /** Requests that were applied up to this time may be forgotten; 0: none is. */
  get requestsForgottenMs(): number {
    return this.#requests.forgottenMs;
  }

  /** A command that comes again is answered with what it gave the first time. */
  #executeOnce(command: StampedCommand, { name, plain }: Named): Outcome {
    this.#requests.forgetUntil(this.#timeMs);
    const proof = this.#requests.proofOf(plain);
    const kept = this.#requests.get(name);
    if (kept !== undefined) {
      return kept.proof === proof
        ? { kind: "repeated", first: outcomeOf(kept) }
        : { kind: "requestReused" };
    }
    const result = this.#execute(command);
    const outcome = writeOutcome(this.#outcomeWriter.reset(), result).view();
    this.#requests.add(name, { proof, outcome, timeMs: this.#timeMs });
    return result;
  }

  #execute(command: Command): FirstOutcome {
    return "mutations" in command ? this.#write(command) : this.#transact(command);
  }

  /** The entry at `index` is no command: it only counts. */
  applyOther(index: number): void {
    this.#advance(index);
  }

  /** 16 hexadecimal digits over all replicated state; equal on all nodes at an equal index. */
  digest(): string {
    const records = this.#records.size === 0 ? [] : this.#records.digest();
    const requests = this.#requests.isUsed ? this.#requests.digest() : [];
    const expiries = this.#expiries.size === 0 ? [] : this.#expiries.digest();
    const more = [...records, ...requests, ...expiries];
    return this.#digest.text(this.#applied, this.#timeMs, this.#items.size, ...more);
  }

  /** The state as it is now, which later changes leave alone; costs nothing until they come. */
  freeze(): Image {
    return new Image({
      applied: this.#applied,
      timeMs: this.#timeMs,
      size: this.#items.size,
      digest: this.digest(),
      items: this.view(),
      expiries: this.#expiries.frozen(),
      records: this.#records.all(),
      requests: this.#requests.frozen(limits.imageBlockBytes - HEAD_BYTES),
      requestsForgottenMs: this.#requests.forgottenMs,
    });
  }

  /** The items as they are now, which later changes leave alone, however long the reading takes. */
  view(): View {
    return this.#views.open(this.#applied);
  }

  /**
   * The items in `range`, in byte order or against it. To be read within one turn, since it follows
   * the state as it changes.
   */
  *items(range: KeyRange, reverse: boolean): Generator<[key: Uint8Array, item: Item]> {
    for (const { key, item } of this.#items.range(range, reverse)) yield [key, item];
  }

  /** Loading an image: the counters first, then the items in order, then the records. */
  restoreCounters(applied: number, timeMs: number): void {
    invariant("S2", this.#applied === 0 && this.size === 0, () => "restoring into a used state");
    this.#applied = applied;
    this.#timeMs = timeMs;
    this.#records.version = applied;
    this.#history = new History(applied);
  }

  restoreItem(key: Uint8Array, item: Item): void {
    this.#put(key, item);
  }

  /** False: there is no such item, or it is known already when it expires. */
  restoreExpiry(key: Uint8Array, expiresMs: number): boolean {
    const slot = this.#items.find(key);
    if (slot === NO_SLOT || this.#items.expiresMs(slot) !== 0) return false;
    this.#setExpiry(slot, key, expiresMs);
    return true;
  }

  restoreRecord(record: StateRecord): void {
    this.#records.set(record);
  }

  /** For the loader of an image. */
  get requests(): Requests {
    return this.#requests;
  }

  #advance(index: number): void {
    invariant("S2", index === this.#applied + 1, () => `entry ${index} after ${this.#applied}`);
    this.#applied = index;
    this.#changesOfEntry = 0;
  }

  #record(held: Held, deleted: boolean): void {
    if (this.#applied === this.#history.floor) return; // a restored item is no news
    this.#history.record(this.#applied, this.#changesOfEntry++, held, deleted);
  }

  #find(key: Uint8Array): Held | undefined {
    const slot = this.#items.find(key);
    return slot === NO_SLOT ? undefined : this.#items.held(slot);
  }

  #write({ checks, mutations }: Write): FirstOutcome {
    const check = this.#firstFailed(checks);
    if (check >= 0) {
      return { kind: "checkFailed", check, revision: this.#revisionOf(checks[check] as Check) };
    }
    if (!this.#records.hasRoomFor(mutations)) return { kind: "recordsFull" };
    const existed = mutations.map((one) => this.#mutate(one));
    return { kind: "applied", revision: this.#applied, existed };
  }

  /** Planned as a whole before anything of it happens. */
  #transact({ checks, steps, elseSteps }: Transaction): FirstOutcome {
    const check = this.#firstFailed(checks);
    const isElse = check >= 0;
    const taken = isElse ? elseSteps : steps;
    const { plan, cost } = planSteps(taken, this, this.#applied);
    this.#work += cost.items + cost.bytes / BYTES_PER_WORK;
    if (!plan.ok) return { kind: "stepFailed", isElse, ...plan.error };
    const { mutations, results } = plan.value;
    for (const mutation of mutations) this.#mutate(mutation);
    const failedCheck = isElse ? check : null;
    return { kind: "transacted", revision: this.#applied, failedCheck, results };
  }

  /** Its position, or -1. */
  #firstFailed(checks: readonly Check[]): number {
    return checks.findIndex((check) => !this.#holds(check));
  }

  #holds(check: Check): boolean {
    this.#work++;
    if (check.kind === "value") {
      const value = this.#find(check.key)?.value;
      return value !== undefined && bytesEqual(value, check.value);
    }
    const revision = this.#revisionOf(check);
    return check.kind === "exists" ? revision > 0 : revision === check.revision;
  }

  #revisionOf(check: Check): number {
    const found = check.kind === "record"
      ? this.#records.get(check.of, check.name)
      : this.#find(check.key);
    return found?.revision ?? 0;
  }

  /** True when the key held an item, or the record was there, before. */
  #mutate(mutation: Mutation): boolean {
    switch (mutation.kind) {
      case "put": {
        const { key, value, contentType, lifetime } = mutation;
        const expiresMs = expiryOf(lifetime, this.#timeMs);
        return this.#put(key, { value, contentType, revision: this.#applied, expiresMs });
      }
      case "expire":
        return this.#expire(mutation.countMax);
      case "delete":
        return this.#delete(mutation.key);
      case "setRecord":
        return this.#setRecord(mutation);
      case "deleteRecord":
        return this.#records.delete(mutation.of, mutation.name, this.#applied);
    }
  }

  /** The body is copied for the same reason as a value. */
  #setRecord({ of, name, body }: Extract<Mutation, { kind: "setRecord" }>): boolean {
    this.#records.version = this.#applied;
    return this.#records.set({ kind: of, name, body: body.slice(), revision: this.#applied });
  }

  /** The value is copied: it is a view of a whole frame, which must not stay for its sake. */
  #put(key: Uint8Array, item: Item): boolean {
    this.#work += 1 + item.value.length / BYTES_PER_WORK;
    const { value, contentType, revision } = item;
    const keyCheck = this.#hash.crc32(key);
    let slot = this.#items.find(key);
    const existed = slot !== NO_SLOT;
    if (existed) {
      this.#leave(slot, keyCheck);
      this.#items.rewrite(slot, key, value, contentType);
    } else {
      slot = this.#items.add(key, value, contentType);
    }
    this.#items.setRevision(slot, revision);
    this.#setExpiry(slot, key, item.expiresMs ?? 0);
    const held = this.#items.held(slot);
    this.#digest.add(keyCheck, key.length, held);
    this.#record(held, false);
    return existed;
  }

  /** What `slot` holds is about to go. */
  #leave(slot: Slot, keyCheck: number): Held {
    const held = this.#items.held(slot);
    this.#digest.remove(keyCheck, held.keyBytes, held);
    this.#views.keep(slot, held);
    return held;
  }

  #setExpiry(slot: Slot, key: Uint8Array, expiresMs: number): void {
    const before = this.#items.expiresMs(slot);
    if (before === expiresMs) return;
    this.#expiries.change(keyText(key), before, expiresMs);
    this.#items.setExpiresMs(slot, expiresMs);
  }

  #expire(countMax: number): boolean {
    const due = this.#expiries.due(this.#timeMs, countMax);
    for (const text of due) this.#delete(keyBytes(text));
    return due.length > 0;
  }

  #delete(key: Uint8Array): boolean {
    this.#work++;
    const slot = this.#items.find(key);
    if (slot === NO_SLOT) return false;
    const held = this.#leave(slot, this.#hash.crc32(key));
    this.#setExpiry(slot, key, 0);
    this.#items.delete(slot, key);
    this.#record(held, true);
    return true;
  }
}

function outcomeOf({ outcome }: KeptRequest): FirstOutcome {
  const decoded = decodeFirstOutcome(outcome);
  assert(decoded.ok, "what is remembered of a request is an outcome");
  return decoded.value;
}
