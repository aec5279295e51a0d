/**
 * One run: a cluster behind proxies, clients, faults until the time is up; then everything is
 * healed, the nodes must agree, and the whole history must be linearizable.
 */

import assert from "node:assert/strict";
import { checkHistory, type Verdict } from "../../lin/checker.ts";
import type { Operation } from "../../lin/history.ts";
import { type ClusterTest, withCluster } from "../support/cluster.ts";
import { KEYED, keysFor } from "../support/keys.ts";
import { isRoot, withTmpfs } from "../support/tmpfs.ts";
import { Clients } from "./clients.ts";
import { Mesh } from "./mesh.ts";
import { type Done, Nemesis } from "./nemesis.ts";
import { FAULT_KINDS, plan } from "./plan.ts";

export type ChaosOptions = {
  /** For how long faults go on. */
  readonly durationMs: number;
  /** Nodes know each other by keys, and links are encrypted. */
  readonly keyed?: boolean;
  readonly seed?: number;
  readonly say?: (line: string) => void;
};

export type ChaosRun = {
  readonly durationMs: number;
  readonly history: readonly Operation[];
  readonly verdict: Verdict;
  readonly checkMs: number;
  readonly done: readonly Done[];
  readonly acknowledgedAt: readonly number[];
  /** Why operations had no or no known effect, and how often. */
  readonly failures: ReadonlyMap<string, number>;
  readonly recoveryMsMax: number;
  /** Where all nodes ended up, with this digest of their state. */
  readonly converged: { readonly applied: number; readonly digest: string };
};

/** Holds the data of one node several times over, so that only ballast makes it full. */
const SMALL_DISK_BYTES = 64 * 1024 * 1024;
const SMALL_DISK_NODE = "n3";
const WAIT_TIME_SECONDS = 0.5;
const CLIENTS_PER_NODE = 8;
/** Often enough that nodes which were away come back by snapshot. */
const SETTINGS = "[storage]\nsegment_bytes = 1048576\nsnapshot_entries = 2000\n";

export async function runChaos(options: ChaosOptions): Promise<ChaosRun> {
  if (!isRoot()) return await runOn(options, null);
  let run: ChaosRun | undefined;
  await withTmpfs(`size=${SMALL_DISK_BYTES}`, async (path) => {
    run = await runOn(options, path);
  });
  return run as ChaosRun;
}

async function runOn(options: ChaosOptions, smallDisk: string | null): Promise<ChaosRun> {
  const mesh = new Mesh();
  const { seed, keyed } = options;
  const clusterOptions = {
    waitTime: WAIT_TIME_SECONDS,
    settings: keyed === true ? KEYED + SETTINGS : SETTINGS,
    dialed: mesh.connect.bind(mesh),
    ...(seed !== undefined && { seed }),
    ...(smallDisk !== null && { dataOf: { [SMALL_DISK_NODE]: `${smallDisk}/data` } }),
  };
  let run: ChaosRun | undefined;
  try {
    await withCluster(clusterOptions, async (test) => {
      run = await storm({ ...test, ...options, mesh, hasSmallDisk: smallDisk !== null });
    });
  } finally {
    mesh.close();
  }
  return run as ChaosRun;
}

type Storm = ClusterTest & ChaosOptions & { readonly mesh: Mesh; readonly hasSmallDisk: boolean };

async function storm(
  { cluster, random, mesh, hasSmallDisk, ...options }: Storm,
): Promise<ChaosRun> {
  await mesh.listen();
  if (options.keyed === true) await keysFor(cluster);
  await cluster.start();
  if (!hasSmallDisk) console.log("no full disks: only root can make a small file system");
  const kinds = FAULT_KINDS.filter((kind) => kind !== "fullDisk" || hasSmallDisk);
  const nemesis = new Nemesis({
    cluster,
    mesh,
    steps: plan(random.fork(), kinds),
    smallDisk: hasSmallDisk ? cluster.node(SMALL_DISK_NODE) : null,
    say: options.say ?? (() => {}),
  });
  const clients = new Clients({ nodes: cluster.nodes, random, perNode: CLIENTS_PER_NODE });
  const startedAt = performance.now();
  await Promise.race([nemesis.run(startedAt + options.durationMs), clients.failed]);
  await clients.stop();
  await clients.readAll();
  const durationMs = performance.now() - startedAt;
  const statuses = await cluster.settled();
  const [{ applied, digest }] = statuses as [typeof statuses[number]];
  for (const status of statuses) assert.equal(status.digest, digest, `${status.id} at ${applied}`);
  const history = clients.recorder.history();
  const checkedFrom = performance.now();
  const verdict = checkHistory(history);
  return {
    durationMs,
    history,
    verdict,
    checkMs: performance.now() - checkedFrom,
    done: nemesis.done,
    acknowledgedAt: clients.acknowledgedAt,
    failures: clients.failures,
    recoveryMsMax: nemesis.recoveryMsMax,
    converged: { applied, digest },
  };
}
