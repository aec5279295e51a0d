/**
 * Long runs: `deno task fuzz --target wal --cases 1000000 --seed 7 --seconds 60`. Without a target
 * all of them run, one on each core; `--input HEX` runs one input; `--grow` adds the smallest inputs
 * that led to something new to the corpus.
 *
 * Each target runs in a worker that writes down every input before it tries it, so that a decoder
 * that never comes back is found too, with the input that it hangs on.
 */

import { parseArgs } from "node:util";
import { growCorpus, inputLine, parseInput } from "./corpus.ts";
import { type FuzzReport, runInput } from "./fuzzer.ts";
import { INPUT_BYTES_MAX } from "./mutate.ts";
import type { Target } from "./target.ts";
import { TARGETS } from "./targets/mod.ts";
import { Blackboard } from "./blackboard.ts";

const HANG_MS = 20_000;
const WATCH_MS = 1_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      target: { type: "string" },
      cases: { type: "string", default: "1000000" },
      seed: { type: "string", default: String(Date.now() % 2 ** 32) },
      seconds: { type: "string", default: "60" },
      input: { type: "string" },
      grow: { type: "boolean", default: false },
      jobs: { type: "string", default: `${navigator.hardwareConcurrency}` },
    },
  });
  const chosen = TARGETS.filter(({ name }) => (values.target ?? name) === name);
  if (chosen.length === 0) {
    console.error(`no such target; there are ${TARGETS.map(({ name }) => name).join(", ")}`);
    Deno.exit(2);
  }
  const bounds = { cases: Number(values.cases), seconds: Number(values.seconds) };
  let failed = 0;
  const waiting = [...chosen];
  const work = async (): Promise<void> => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      const good = values.input === undefined
        ? await fuzzInWorker(target, { ...bounds, seed: Number(values.seed), grow: values.grow })
        : await runOne(target, values.input);
      if (!good) failed++;
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  console.log(`\n${chosen.length - failed} targets passed, ${failed} failed`);
  Deno.exit(failed === 0 ? 0 : 1);
}

async function runOne(target: Target, line: string): Promise<boolean> {
  const error = await runInput(target, parseInput(line));
  console.log(`${target.name}: ${error ?? "fine"}`);
  return error === undefined;
}

type Bounds = {
  readonly cases: number;
  readonly seconds: number;
  readonly seed: number;
  readonly grow: boolean;
};

function fuzzInWorker(target: Target, bounds: Bounds): Promise<boolean> {
  const memory = Blackboard.memory(INPUT_BYTES_MAX);
  const board = new Blackboard(memory);
  const worker = new Worker(new URL("worker.ts", import.meta.url), { type: "module" });
  return new Promise((resolve) => {
    let seen = -1;
    let changedAt = performance.now();
    const watch = setInterval(() => {
      if (board.count !== seen) {
        seen = board.count;
        changedAt = performance.now();
      } else if (performance.now() - changedAt > HANG_MS) {
        end(
          false,
          `hangs after ${seen} cases of seed ${bounds.seed}, on\n${inputLine(board.read())}`,
        );
      }
    }, WATCH_MS);
    const end = (good: boolean, text: string): void => {
      clearInterval(watch);
      worker.terminate();
      console.log(`${target.name.padEnd(14)} ${text}`);
      resolve(good);
    };
    worker.onmessage = ({ data }: MessageEvent<FuzzReport>): void => {
      if (bounds.grow) growCorpus(target.name, data.found, `found with seed ${data.seed}`);
      end(data.failure === undefined, reportText(data));
    };
    worker.onerror = (event): void => {
      event.preventDefault();
      end(false, `died: ${event.message}, on\n${inputLine(board.read())}`);
    };
    worker.postMessage({ target: target.name, memory, ...bounds });
  });
}

function reportText(report: FuzzReport): string {
  const { cases, perSecond, outcomes, slowestMs, seed, failure } = report;
  const numbers = `${String(cases).padStart(8)} cases  ${String(perSecond).padStart(7)}/s  ` +
    `${String(outcomes).padStart(4)} outcomes  slowest ${slowestMs.toFixed(1)} ms  seed ${seed}`;
  if (failure === undefined) return numbers;
  return `${numbers}\nFAILED: ${failure.message}\ninput: ${inputLine(failure.input)}`;
}

await main();
