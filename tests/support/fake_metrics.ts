/** The metrics of a node, every number its own, so that a mix-up shows. */

import { type Distribution, Histogram } from "../../src/base/mod.ts";
import type { NodeMetrics, NodeStatus } from "../../src/node/mod.ts";

export function fakeMetrics(status: NodeStatus): NodeMetrics {
  return {
    status,
    startedAtMs: 1_700_000_000_000,
    raft: {
      leaderChanges: 21,
      elections: 22,
      ignored: 23,
      readRounds: 24,
      matched: new Map([["n2", 10], ["n3", 6]]),
      appendEntries: batches(1, 3, 9_000),
    },
    wal: {
      state: "open",
      frames: 31,
      bytes: 32,
      syncs: 33,
      pendingSyncMs: 34,
      queuedWrites: 35,
      segments: 36,
      sizeBytes: 37,
      mark: { index: 0, term: 0 },
      syncMs: latencies(0.03, 0.7, 12, 60_000),
      frameEntries: batches(0, 1, 70),
    },
    writes: { pending: 41, proposals: 42, forwardCommands: batches(5) },
    reads: { pending: 51, batchReads: batches(64, 65) },
    links: {
      refused: 61,
      malformed: 62,
      dropped: 63,
      received: new Map([["n2", 64]]),
      up: new Map([["n2", true], ["n3", false]]),
    },
    snapshots: { durationMs: latencies(150), failed: 71, lastBytes: 72, received: 73 },
    loopDelayMs: latencies(0, 0.1, 1.5),
    process: { cpuSeconds: 8.1, residentBytes: 82, heapBytes: 83, openFiles: 84 },
  };
}

function latencies(...valuesMs: number[]): Distribution {
  return observed(Histogram.ofLatency(), valuesMs);
}

function batches(...sizes: number[]): Distribution {
  return observed(Histogram.ofBatches(), sizes);
}

function observed(histogram: Histogram, values: readonly number[]): Distribution {
  for (const value of values) histogram.observe(value);
  return histogram.snapshot();
}
