/**
 * What one process does with its data directory, drawn from a seed: terms and votes, entries small
 * and large, truncations, snapshots of its own and of peers, retirement, and starts.
 */

import { err, ok, type Result } from "../../src/base/mod.ts";
import type { Entry, Position, SnapshotRef, Write } from "../../src/raft/mod.ts";
import { type DataDirectory, openDataDirectory } from "../../src/storage/mod.ts";
import {
  BOOTSTRAP,
  entry,
  Events,
  hardState,
  openOn,
  optionsFor,
  value,
  write,
} from "../storage/support.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import { SimDisk } from "../support/sim_disk.ts";
import { Model } from "./model.ts";

const STEPS_MAX = 14;
const TERMS_AHEAD_MAX = 3;
/** Payloads of these sizes: within a sector, about one, several. */
const SIZES = [10, 100, 500, 2_000];

/** Ended: the disk does not do what is asked of it, so that the process has to end. */
export type Ended = "left" | "failed";

export class Workload {
  readonly events = new Events();
  readonly #random: SeededRandom;
  readonly #directory: DataDirectory;
  readonly model: Model;
  #lastId = 0;

  private constructor(directory: DataDirectory, random: SeededRandom, events: Events) {
    this.#directory = directory;
    this.#random = random;
    this.events = events;
    this.model = new Model(directory.recovered);
    events.onBatch = (writes) => {
      for (const one of writes) this.model.stored(one);
    };
  }

  get boot(): number {
    return this.#directory.identity.boot;
  }

  get recovered(): DataDirectory["recovered"] {
    return this.#directory.recovered;
  }

  /** Null when the disk fails on the way. */
  static async start(disk: SimDisk, random: SeededRandom): Promise<Workload | null> {
    const events = new Events();
    const segmentBytes = [300, 1_500, 8_000][random.below(3)] as number;
    const options = optionsFor(disk, { segmentBytes, events, seed: random.below(1_000) });
    const opened = await openDataDirectory(options);
    if (opened.ok) return new Workload(opened.value, random, events);
    if (opened.error.code === "io") return null;
    throw new Error(`a sound directory is refused: ${JSON.stringify(opened.error)}`);
  }

  async run(): Promise<Ended> {
    for (let step = this.#random.between(1, STEPS_MAX); step > 0; step--) {
      await this.#step();
      if (this.events.failures.length > 0) return "failed";
    }
    await settle();
    if (this.events.failures.length > 0) return "failed";
    await this.#directory.release();
    return "left";
  }

  async #step(): Promise<void> {
    const dice = this.#random.below(10);
    if (dice === 0) await this.#snapshot();
    else if (dice === 1) await this.#receive();
    else {
      for (let count = this.#random.between(1, 3); count > 0; count--) this.#write();
    }
    if (this.#random.chance(2, 3)) await settle();
  }

  #append(parts: Partial<Write>): void {
    const one = write(++this.#lastId, parts);
    this.model.append(one);
    this.#directory.wal.append(one);
  }

  #write(): void {
    const { hard, mark, last } = this.model;
    const dice = this.#random.below(6);
    if (dice === 0) return this.#append({ hard: this.#nextHard() });
    const truncated = dice === 1 && last.index > mark.index;
    const from = truncated ? this.#random.between(mark.index + 1, last.index) : last.index + 1;
    // Whoever truncates has heard a leader of a newer term.
    const next = truncated || dice === 2 ? this.#nextHard() : undefined;
    const term = Math.max(last.term, next?.term ?? hard.term, 1);
    const entries: Entry[] = [];
    for (let count = this.#random.below(4); count > 0; count--) {
      entries.push(entry(from + entries.length, term, this.#payload()));
    }
    this.#append({
      ...(next && { hard: next }),
      ...(truncated && { truncateFrom: from }),
      entries,
    });
  }

  #nextHard() {
    const { hard, last } = this.model;
    const term = Math.max(hard.term, last.term) + this.#random.between(1, TERMS_AHEAD_MAX);
    return hardState(
      term,
      [null, "n1", "n2"][this.#random.below(3)] ?? null,
      this.model.mark.index,
    );
  }

  /** Zeros too, since recovery tells by them whether a sector was ever written. */
  #payload(): Uint8Array {
    const size = SIZES[this.#random.below(SIZES.length)] as number;
    return this.#random.chance(1, 3) ? new Uint8Array(size) : this.#random.bytes(size);
  }

  /** Of the state at some entry, which the log has, then retirement up to the one before. */
  async #snapshot(): Promise<void> {
    const { mark, last } = this.model;
    if (last.index === mark.index) return;
    await settle(); // what a snapshot holds was applied, and so it was stored before
    const index = this.#random.between(mark.index + 1, last.index);
    const ref = refOf(this.model.at(index) as Position);
    const created = this.#directory.snapshots.create(ref);
    if (!created.ok) return;
    for (const block of blocksOf(ref.position)) {
      if (!(await created.value.append(block)).ok) return created.value.abort();
    }
    if (!(await created.value.finish(digestOf(ref.position))).ok) return;
    await this.#mark({ snapshot: ref }, mark.index);
  }

  /** Of a leader that is ahead; what the log holds may contradict it. */
  async #receive(): Promise<void> {
    const { mark, last, hard } = this.model;
    await settle();
    const index = this.#random.between(mark.index + 1, last.index + 5);
    const known = this.model.at(index);
    const agrees = known !== undefined && this.#random.chance(1, 2);
    const term = agrees ? known.term : Math.max(hard.term, last.term) + 1;
    const ref = refOf({ index, term });
    const bytes = await fileOf(ref);
    const receiver = this.#directory.snapshots.receive(ref, bytes.length);
    if (!receiver.ok) return;
    while (receiver.value.offset < bytes.length) {
      const { offset } = receiver.value;
      const chunk = bytes.subarray(offset, offset + this.#random.between(1, bytes.length));
      if (!receiver.value.write(offset, chunk).ok) return receiver.value.suspend();
      if (this.#random.chance(1, 10)) return receiver.value.suspend(); // the leader is gone
    }
    if (!(await receiver.value.finish()).ok) return;
    const truncated = !agrees && last.index > mark.index;
    await this.#mark({
      ...(term > hard.term && { hard: hardState(term, null, mark.index) }),
      ...(truncated && { truncateFrom: mark.index + 1 }),
      snapshot: ref,
    }, mark.index);
  }

  async #mark(parts: Partial<Write>, retired: number): Promise<void> {
    this.#append(parts);
    await settle();
    if (this.events.failures.length === 0) await this.#directory.retire(retired);
  }
}

/** Longer than any chain of promises that one step sets off. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 80; turn++) await Promise.resolve();
}

function refOf(position: Position): SnapshotRef {
  return { position: { index: position.index, term: position.term }, membership: BOOTSTRAP };
}

function digestOf({ index, term }: Position): string {
  return `state after ${index}@${term}`;
}

function blocksOf({ index, term }: Position): Uint8Array[] {
  return Array.from({ length: 1 + index % 3 }, (_, number) => {
    return new Uint8Array(200 + 400 * number).fill(index + term + number);
  });
}

/** The file as a peer would send it. */
async function fileOf(ref: SnapshotRef): Promise<Uint8Array> {
  const peer = await openOn(new SimDisk());
  const writer = value(peer.snapshots.create(ref));
  for (const block of blocksOf(ref.position)) value(await writer.append(block));
  value(await writer.finish(digestOf(ref.position)));
  const reader = value(peer.snapshots.open(ref.position));
  const bytes = value(reader.readRaw(0, reader.sizeBytes));
  reader.close();
  return bytes;
}

/** Whether the snapshot at `position` is all there. */
export function checkSnapshot(
  { snapshots }: DataDirectory,
  position: Position,
): Result<void, string> {
  const reader = snapshots.open(position);
  if (!reader.ok) return err(JSON.stringify(reader.error));
  for (const expected of blocksOf(position)) {
    const block = reader.value.next();
    const same = block.ok && block.value !== undefined &&
      block.value.length === expected.length && block.value[0] === expected[0];
    if (!same) return err("a block differs");
  }
  const end = reader.value.next();
  if (!end.ok || end.value !== undefined) return err("it does not end where it should");
  const digest = reader.value.digest;
  reader.value.close();
  return digest === digestOf(position) ? ok() : err(`its digest is ${digest}`);
}
