/**
 * What a system under test must offer. The rounds, the figures and the report know no more of it,
 * so another store is measured beside Keva by one more implementation.
 */

import type { Data, Workload } from "./workload.ts";

/** One node of the system under test. */
export type TargetNode = {
  readonly name: string;
  readonly pid: number;
};

/** What the load generator is asked to do. */
export type LoadJob =
  /** Write every key once; nothing is measured. */
  | { readonly kind: "fill"; readonly data: Data; readonly clients: number }
  | {
    readonly kind: "round";
    readonly workload: Workload;
    readonly warmupMs: number;
    readonly measureMs: number;
  }
  /** Try to write until the first write is acknowledged; nodes may be down. */
  | { readonly kind: "probe"; readonly data: Data };

/** What happened between the begin and the end of a round. */
export type Load = {
  /** Answered, and the answer was right. */
  readonly operations: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The longest time in which no client got a right answer. */
  readonly longestGapMs: number;
  /** Everything else, by what it was. */
  readonly errors: Readonly<Record<string, number>>;
};

/** Called when the figures of a round begin and end; for a probe, at the first attempt and success. */
export type OnEdge = (edge: "begin" | "end") => void;

export type Metrics = ReadonlyMap<string, number>;

/** `floor` is what the runtime alone costs, for who names it. */
export const TARGETS = ["keva", "etcd", "floor"] as const;
/** `other` is another binary of Keva. */
export type TargetName = typeof TARGETS[number] | "other";

/** For a start, however much data there is to read. */
export const START_MS_MAX = 5 * 60_000;

/** What targets are made from. */
export type TargetKind = {
  readonly name: TargetName;
  /** What the program says of itself. */
  readonly version: string;
  /** A cluster that is not started, with its data in `directory`; settings are Keva's. */
  make(directory: string, settings?: string): Target;
};

export interface Target {
  readonly name: TargetName;
  /** Where the nodes keep their data. */
  readonly directory: string;
  readonly nodes: readonly TargetNode[];
  /** The process that makes the load, whose own cost is told apart. */
  readonly generatorPid: number;
  /** Where each node listens for clients, on 127.0.0.1. */
  readonly ports: readonly number[];
  /** What makes a connection that then stays idle, for all that its node knows, a client's. */
  readonly greeting: Uint8Array;
  /** Starts every node that does not run; resolves when all serve reads and writes. */
  start(): Promise<void>;
  load(job: LoadJob, onEdge: OnEdge): Promise<Load>;
  /** The node that leads, by name. */
  leader(): Promise<string>;
  /** What each node tells in the format of Prometheus, by series. */
  metrics(): Promise<readonly Metrics[]>;
  /** kill -9 of the node with this name. */
  kill(name: string): Promise<void>;
  /** Ends every process of it, at any time. */
  stop(): Promise<void>;
}
