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
  };

/** What happened between the begin and the end of a round. */
export type Load = {
  /** Answered, and the answer was right. */
  readonly operations: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Everything else, by what it was. */
  readonly errors: Readonly<Record<string, number>>;
};

/** Called when the figures of a round begin and end. */
export type OnEdge = (edge: "begin" | "end") => void;

export interface Target {
  readonly name: string;
  /** What it says of itself, once it is started. */
  readonly version: string;
  readonly nodes: readonly TargetNode[];
  /** The process that makes the load, whose own cost is told apart. */
  readonly generatorPid: number;
  /** Resolves when every node serves reads and writes. */
  start(): Promise<void>;
  load(job: LoadJob, onEdge: OnEdge): Promise<Load>;
  /** The node that leads, by name. */
  leader(): Promise<string>;
  /** Ends every process of it, at any time. */
  stop(): Promise<void>;
}
