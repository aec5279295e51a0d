/** What a hundred watchers cost who are all told of every write. */

import { fill, measure, type Sample } from "../measure.ts";
import type { Target } from "../target.ts";
import { type Experiment, pacedWrites, pause, USUAL } from "./experiment.ts";

/** Spread over the nodes. */
const WATCHERS = 100;
const ROUNDS = 3;
const WRITES = pacedWrites(200, 64);
const ROUND = { workload: WRITES, warmupMs: 500, measureMs: 4_000 };
const CATCH_UP_MS = 10_000;
const POLL_MS = 20;

const REQUEST = new TextEncoder().encode(
  "GET /v1/storage/watch HTTP/1.1\r\nHost: localhost\r\n\r\n",
);
/** Begins every event that tells of a write, and nothing else: values are random or base64. */
const EVENT = new TextEncoder().encode("event: put\n");

type Round = { readonly without: Sample; readonly with: Sample; readonly events: number };

export const watching: Experiment = {
  name: "100 watchers",
  run: async (stage) => {
    if (!stage.targets.includes("keva")) return [];
    const rounds = await stage.with("keva", inTurn);
    const of = (value: (round: Round) => number) => ({ keva: rounds.map(value) });
    const what = `${WATCHERS} watchers of writes at ${WRITES.perSecond}/s`;
    return [
      { name: `${what}: events per s`, goal: null, values: of(eventsPerSecond) },
      { name: `${what}: CPU µs for each event`, goal: null, values: of(cpuMicrosEach) },
      {
        name: `${what}: p99 of writes with to without`,
        goal: null,
        values: of((round) => round.with.p99Ms / round.without.p99Ms),
      },
    ];
  },
};

function eventsPerSecond({ with: { perSecond, operations }, events }: Round): number {
  return perSecond * events / operations;
}

/** Of all nodes together; what the writes themselves cost is taken off. */
function cpuMicrosEach(round: Round): number {
  const used = ({ cpuSecondsPer1000, operations }: Sample) => cpuSecondsPer1000 * operations / 1000;
  return (used(round.with) - used(round.without)) / round.events * 1e6;
}

async function inTurn(target: Target): Promise<Round[]> {
  await fill(target, USUAL);
  const rounds: Round[] = [];
  for (let count = 0; count < ROUNDS; count++) {
    const without = await measure(target, ROUND);
    const watchers = await watch(target);
    try {
      const before = await applied(target);
      const sample = await measure(target, ROUND);
      await allTold(watchers, await applied(target) - before);
      const events = WATCHERS * sample.operations;
      rounds.push({ without, with: sample, events });
    } finally {
      for (const { connection } of watchers) connection.close();
    }
  }
  return rounds;
}

async function applied(target: Target): Promise<number> {
  const nodes = await target.metrics();
  return Math.max(...nodes.map((metrics) => metrics.get("keva_raft_applied_index") ?? NaN));
}

/** Each write makes one entry, and nothing else does meanwhile. */
async function allTold(watchers: readonly Watcher[], writes: number): Promise<void> {
  const endMs = performance.now() + CATCH_UP_MS;
  while (watchers.some(({ events }) => events < writes)) {
    if (performance.now() > endMs) {
      const least = Math.min(...watchers.map(({ events }) => events));
      throw new Error(`a watcher was told of ${least} of ${writes} writes`);
    }
    await pause(POLL_MS);
  }
  const most = Math.max(...watchers.map(({ events }) => events));
  if (most > writes) throw new Error(`a watcher was told of ${most} writes; there were ${writes}`);
}

/** Resolves when each of them is being told. */
async function watch({ ports }: Target): Promise<Watcher[]> {
  const watchers = Array.from(
    { length: WATCHERS },
    (_, at) => Watcher.open(ports[at % ports.length] as number),
  );
  return await Promise.all(watchers);
}

class Watcher {
  readonly connection: Deno.TcpConn;
  events = 0;
  /** How much of `EVENT` the bytes so far end with. */
  #matched = 0;

  private constructor(connection: Deno.TcpConn) {
    this.connection = connection;
  }

  static async open(port: number): Promise<Watcher> {
    const watcher = new Watcher(await Deno.connect({ hostname: "127.0.0.1", port }));
    const { connection } = watcher;
    await connection.write(REQUEST);
    const answer = new Uint8Array(65_536);
    const count = await connection.read(answer) ?? 0;
    const text = new TextDecoder().decode(answer.subarray(0, count));
    if (!text.startsWith("HTTP/1.1 200")) throw new Error(`no watch: ${text.split("\r\n")[0]}`);
    watcher.#count(answer.subarray(0, count));
    void watcher.#read(answer);
    return watcher;
  }

  async #read(room: Uint8Array): Promise<void> {
    try {
      for (let n = await this.connection.read(room); n !== null;) {
        this.#count(room.subarray(0, n));
        n = await this.connection.read(room);
      }
    } catch {
      // Closed: whatever is missing then is noticed by the count.
    }
  }

  #count(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at++) {
      if (this.#matched === 0) {
        at = bytes.indexOf(EVENT[0] as number, at);
        if (at < 0) return;
        this.#matched = 1;
      } else if (bytes[at] === EVENT[this.#matched]) {
        if (++this.#matched < EVENT.length) continue;
        this.events++;
        this.#matched = 0;
      } else {
        this.#matched = bytes[at] === EVENT[0] ? 1 : 0;
      }
    }
  }
}
