/**
 * Many seeds on all cores, and what they add up to.
 */

import { drawSwarm } from "./swarm.ts";
import type { Done, Job } from "./worker.ts";

export type BatchOptions = {
  readonly seeds: Iterable<number>;
  readonly jobs: number;
  /** No new seed is started after this. */
  readonly endsAtMs: number;
  readonly onDone: (done: Done) => void;
};

/** A run of an hour that is stopped half-way must not have shown nothing. */
const SEEDS_PER_REPORT = 100;
/** Whoever waits longer for one seed wants to know for which. */
const SLOW_SEED_MS = 180_000;

export type Summary = {
  seeds: number;
  failures: number;
  virtualHours: number;
  operations: number;
  faults: number;
  expired: number;
  events: number;
  checks: number;
};

export async function runBatch(options: BatchOptions): Promise<Summary> {
  const summary: Summary = {
    seeds: 0,
    failures: 0,
    virtualHours: 0,
    operations: 0,
    faults: 0,
    expired: 0,
    events: 0,
    checks: 0,
  };
  const seeds = options.seeds[Symbol.iterator]();
  const done = (one: Done) => {
    summary.seeds++;
    summary.failures += one.failure === null ? 0 : 1;
    summary.virtualHours += one.virtualMs / 3_600_000;
    summary.operations += one.operations;
    summary.faults += one.faults;
    summary.expired += one.expired;
    summary.events += one.events;
    summary.checks += one.checks;
    options.onDone(one);
    if (summary.seeds % SEEDS_PER_REPORT === 0) console.log(`  so far: ${summaryText(summary)}`);
  };
  const nextSeed = () => Date.now() < options.endsAtMs ? seeds.next() : { done: true as const };
  await Promise.all(
    Array.from({ length: options.jobs }, () => runWorker(nextSeed, done)),
  );
  return summary;
}

async function runWorker(
  nextSeed: () => { done?: boolean; value?: number },
  done: (one: Done) => void,
): Promise<void> {
  let worker = newWorker();
  for (let next = nextSeed(); !next.done; next = nextSeed()) {
    const seed = next.value as number;
    const slow = setTimeout(() => console.log(`  seed ${seed} takes long`), SLOW_SEED_MS);
    try {
      done(await ask(worker, { seed, traceLinesMax: 300 }));
    } catch (error) {
      done({ ...NOTHING, swarm: drawSwarm(seed), failure: String(error) });
      worker.terminate();
      worker = newWorker();
    } finally {
      clearTimeout(slow);
    }
  }
  worker.terminate();
}

function newWorker(): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
}

/** What is known of a seed whose worker died. */
const NOTHING = {
  virtualMs: 0,
  events: 0,
  checks: 0,
  faults: 0,
  expired: 0,
  operations: 0,
  hash: "",
  trace: null,
} as const;

function ask(worker: Worker, job: Job): Promise<Done> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Done>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage(job);
  });
}

export function summaryText(summary: Summary): string {
  const { seeds, failures, virtualHours, operations, faults, expired, events, checks } = summary;
  const number = (value: number) => Math.round(value).toLocaleString("en");
  return `${number(seeds)} seeds, ${number(failures)} failed: ${virtualHours.toFixed(1)} ` +
    `cluster-hours, ${number(operations)} operations, ${number(faults)} faults, ` +
    `${number(expired)} expired items, ${number(events)} events, ${
      number(checks)
    } invariant checks`;
}
