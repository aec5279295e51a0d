/**
 * Runs a target over many inputs, all from one seed. An input that leads to a new outcome joins the
 * pool, so that the search gets deeper by itself. The first failure ends the run, with an input
 * that is as small as it could be made.
 */

import { SeededRandom } from "../support/seeded_random.ts";
import { withBoundedAllocation } from "./allocation.ts";
import { latin1Bytes, readCorpus } from "./corpus.ts";
import { mutate, noise, type Tools } from "./mutate.ts";
import type { Target } from "./target.ts";

export type FuzzOptions = {
  readonly seed: number;
  readonly cases: number;
  /** Ends the run before, when it is over. */
  readonly seconds?: number;
  /** Told of every input before it is run, so that a hang can be told of by somebody else. */
  readonly before?: (input: Uint8Array) => void;
};

export type FuzzReport = {
  readonly target: string;
  readonly seed: number;
  readonly cases: number;
  readonly perSecond: number;
  /** Kinds of outcomes that were seen. */
  readonly outcomes: number;
  readonly slowestMs: number;
  /** Inputs beyond those to start from, each the first that led to its outcome. */
  readonly found: readonly Uint8Array[];
  readonly failure?: FuzzFailure;
};

export type FuzzFailure = { readonly message: string; readonly input: Uint8Array };

const POOL_MAX = 3_000;
/** Allocation is counted in one of so many cases: it costs time. */
const COUNTED_EVERY = 16;
/** Longer than any pause of the runtime; an input takes microseconds. */
const SLOW_MS = 2_000;
const ALLOCATION_BYTES_BASE = 1024 * 1024;
const ALLOCATION_BYTES_PER_BYTE = 256;
const MINIMISE_RUNS_MAX = 4_000;
const CLOCK_EVERY = 64;

export async function fuzz(target: Target, options: FuzzOptions): Promise<FuzzReport> {
  const seeds = [...await target.seeds(), ...readCorpus(target.name)];
  const pool = seeds.slice();
  const random = new SeededRandom(options.seed);
  const outcomes = new Set<string>();
  const startedAt = performance.now();
  const endsAt = startedAt + (options.seconds ?? Infinity) * 1000;
  let slowestMs = 0;
  let cases = 0;
  let failure: FuzzFailure | undefined;
  const next = inputs(target, pool, random);
  // Refusals travel as exceptions inside decoders; their stacks would take most of the time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  for (; cases < options.cases && failure === undefined; cases++) {
    if (cases % CLOCK_EVERY === 0 && performance.now() > endsAt) break;
    const input = next(cases);
    options.before?.(input);
    const caseStartedAt = performance.now();
    const tried = attempt(target, input, cases % COUNTED_EVERY === 0);
    const { outcome, error } = tried instanceof Promise ? await tried : tried;
    const tookMs = performance.now() - caseStartedAt;
    slowestMs = Math.max(slowestMs, tookMs);
    const message = error ?? (tookMs > SLOW_MS ? `takes ${Math.round(tookMs)} ms` : undefined);
    if (message !== undefined) failure = { message, input };
    else if (!outcomes.has(outcome)) {
      outcomes.add(outcome);
      if (cases >= seeds.length && pool.length < POOL_MAX) pool.push(input);
    }
  }
  Error.stackTraceLimit = stackTraceLimit;
  const perSecond = Math.round(cases / (performance.now() - startedAt) * 1000);
  const found = pool.slice(seeds.length);
  const report = { target: target.name, seed: options.seed, cases, perSecond, slowestMs, found };
  if (failure !== undefined) failure = await minimised(target, failure);
  return { ...report, outcomes: outcomes.size, ...(failure && { failure }) };
}

/** Runs one input; the error says what does not hold. */
export async function runInput(target: Target, input: Uint8Array): Promise<string | undefined> {
  return (await attempt(target, input, true)).error;
}

/** First the pool as it is, then changes of it, and now and then noise. */
function inputs(
  target: Target,
  pool: Uint8Array[],
  random: SeededRandom,
): (number: number) => Uint8Array {
  const seeds = pool.length;
  const any = (): Uint8Array => {
    // What was found last has been looked into least.
    const from = random.chance(1, 2) ? 0 : Math.max(0, pool.length - 40);
    return pool[random.between(from, pool.length - 1)] as Uint8Array;
  };
  const tools: Tools = { other: any, tokens: (target.tokens ?? []).map(latin1Bytes) };
  return (number) => {
    if (number < seeds) return pool[number] as Uint8Array;
    const input = random.chance(1, 32) ? noise(random) : mutate(any(), random, tools);
    if (target.repair !== undefined && random.chance(3, 4)) target.repair(input, random);
    return input;
  };
}

type Attempt = { readonly outcome: string; readonly error?: string };

function attempt(
  target: Target,
  input: Uint8Array,
  counted: boolean,
): Attempt | Promise<Attempt> {
  const copy = input.slice(); // a decoder that writes to its input must not change the report
  if (counted) {
    const bytesMax = (target.allocationBytesBase ?? ALLOCATION_BYTES_BASE) +
      ALLOCATION_BYTES_PER_BYTE * input.length;
    return settled(withBoundedAllocation(bytesMax, () => target.run(copy)));
  }
  try {
    const outcome = target.run(copy);
    return typeof outcome === "string" ? { outcome: kindOf(outcome) } : settled(outcome);
  } catch (error) {
    return { outcome: "", error: textOf(error) };
  }
}

async function settled(run: Promise<string>): Promise<Attempt> {
  try {
    return { outcome: kindOf(await run) };
  } catch (error) {
    return { outcome: "", error: textOf(error) };
  }
}

/** Numbers and quoted texts make no new kind. */
function kindOf(outcome: string): string {
  return outcome.replace(/"[^"]*"|[0-9]+/g, "#").slice(0, 200);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

/** Takes pieces out, large ones first, then sets bytes to zero, as long as the failure stays. */
async function minimised(target: Target, failure: FuzzFailure): Promise<FuzzFailure> {
  const kind = kindOf(failure.message.split("\n")[0] ?? "");
  let { input } = failure;
  let runs = 0;
  const stillFails = async (candidate: Uint8Array): Promise<boolean> => {
    runs++;
    const error = await runInput(target, candidate);
    return error !== undefined && kindOf(error.split("\n")[0] ?? "") === kind;
  };
  if (!await stillFails(input)) return failure;
  for (let size = input.length >> 1; size >= 1 && runs < MINIMISE_RUNS_MAX; size >>= 1) {
    for (let at = 0; at < input.length && runs < MINIMISE_RUNS_MAX;) {
      const candidate = Uint8Array.from([...input.subarray(0, at), ...input.subarray(at + size)]);
      if (await stillFails(candidate)) input = candidate;
      else at += size;
    }
  }
  for (let at = 0; at < input.length && runs < MINIMISE_RUNS_MAX; at++) {
    if (input[at] === 0) continue;
    const candidate = input.slice();
    candidate[at] = 0;
    if (await stillFails(candidate)) input = candidate;
  }
  return { message: await runInput(target, input) ?? failure.message, input };
}
