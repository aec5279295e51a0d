/** What the disk is given: that it is given every acknowledged write, and how much beyond that. */

import type { Goal, Series } from "../comparison.ts";
import { fill } from "../measure.ts";
import { growthOf } from "../metrics.ts";
import type { Metrics, Target, TargetName } from "../target.ts";
import { diskBytesOf, flushesOf } from "../usage.ts";
import { type Data, KEY_BYTES, VALUE_BYTES } from "../workload.ts";
import { type Experiment, onEach, pause, seriesOf } from "./experiment.ts";

const NODES = 3;
const ROUNDS = 3;
/** For the node that no write has to wait for. */
const REST_MS = 1_000;
const USUAL: Data = { keys: 20_000, valueBytes: VALUE_BYTES };
const OF_1_KIB: Data = { keys: 20_000, valueBytes: 1024 };

const BYTES_PER_BYTE: Goal = { of: "keva", relation: "≤", bound: 1.2 };
/** A majority of three. */
const COPIES: Goal = { of: "keva", relation: "≥", bound: 2 };

const KEVA_SYNCS = "keva_wal_fsync_duration_seconds_count";
const ETCD_SYNCS = "etcd_disk_wal_fsync_duration_seconds_count";
const KEVA_ENTRIES = "keva_wal_frame_entries_sum";
const KEVA_LOG_BYTES = "keva_wal_written_bytes_total";

/** What a round of writes made of the disks. */
type Writes = {
  readonly acknowledged: number;
  /** Of the nodes together, as they say. */
  readonly syncs: number;
  /** Of the device that they share, as the kernel says. */
  readonly flushes: number;
  /** Of each node, as the kernel says. */
  readonly diskBytes: readonly number[];
  /** Of each node of Keva, as it says. */
  readonly logEntries: readonly number[];
  readonly logBytes: readonly number[];
};

/** Every acknowledged write is on the disks of a majority, and the fsyncs reach the device. */
export const durability: Experiment = {
  name: "durability",
  run: async (stage) => {
    const rounds = await onEach(stage, (target) => roundsOf(target, USUAL));
    return [
      series("nodes that have a write on disk, 64 clients", COPIES, keva(rounds), (writes) => {
        return sum(writes.logEntries) / writes.acknowledged;
      }),
      series("writes for each fsync of a node, 64 clients", null, rounds, (writes) => {
        return writes.acknowledged / writes.syncs * NODES;
      }),
      series("flushes of the device for each fsync of a node", null, rounds, (writes) => {
        return writes.flushes / writes.syncs;
      }),
    ];
  },
};

export const diskBytes: Experiment = {
  name: "disk bytes",
  run: async (stage) => {
    const rounds = await onEach(stage, (target) => roundsOf(target, OF_1_KIB));
    const perByte = (bytes: readonly number[], { acknowledged }: Writes): number =>
      Math.max(...bytes) / acknowledged / (KEY_BYTES + OF_1_KIB.valueBytes);
    return [
      series("bytes of log for each byte, 1 KiB values", BYTES_PER_BYTE, keva(rounds), (writes) => {
        return perByte(writes.logBytes, writes);
      }),
      series("bytes on disk for each byte, 1 KiB values", null, rounds, (writes) => {
        return perByte(writes.diskBytes, writes);
      }),
    ];
  },
};

type Rounds = Partial<Record<TargetName, readonly Writes[]>>;

function keva({ keva }: Rounds): Rounds {
  return keva === undefined ? {} : { keva };
}

function series(
  name: string,
  goal: Goal | null,
  rounds: Rounds,
  value: (writes: Writes) => number,
): Series {
  return seriesOf(name, goal, rounds, (writes) => writes.map(value));
}

async function roundsOf(target: Target, data: Data): Promise<Writes[]> {
  const rounds: Writes[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await writesOf(target, data));
  return rounds;
}

/** Writes a known number of times, since what the disks were given must match it exactly. */
async function writesOf(target: Target, data: Data): Promise<Writes> {
  const before = await countersOf(target);
  await fill(target, data);
  await pause(REST_MS);
  const after = await countersOf(target);
  const growth = (series: string): number[] => growthOf(series, before.metrics, after.metrics);
  const isKeva = target.name !== "etcd";
  return {
    acknowledged: data.keys,
    syncs: sum(growth(isKeva ? KEVA_SYNCS : ETCD_SYNCS)),
    flushes: after.flushes - before.flushes,
    diskBytes: after.diskBytes.map((bytes, node) => bytes - (before.diskBytes[node] as number)),
    logEntries: isKeva ? growth(KEVA_ENTRIES) : [],
    logBytes: isKeva ? growth(KEVA_LOG_BYTES) : [],
  };
}

type Counters = {
  readonly metrics: readonly Metrics[];
  readonly diskBytes: readonly number[];
  readonly flushes: number;
};

async function countersOf(target: Target): Promise<Counters> {
  return {
    metrics: await target.metrics(),
    diskBytes: target.nodes.map(({ pid }) => diskBytesOf(pid)),
    flushes: flushesOf(target.directory),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
