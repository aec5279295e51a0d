/**
 * Runs seeds as they are handed in, one at a time.
 */

import { runSeed, type Verdict } from "./run.ts";

export type Job = { readonly seed: number; readonly traceLinesMax: number };
export type Done = Omit<Verdict, "trace"> & { readonly trace: string | null };

declare const self: DedicatedWorkerGlobalScope;
interface DedicatedWorkerGlobalScope {
  onmessage: ((event: MessageEvent<Job>) => void) | null;
  postMessage(done: Done): void;
}

self.onmessage = async ({ data }) => {
  const verdict = await runSeed(data.seed, { traceLinesMax: data.traceLinesMax });
  // Only a failure's trace is worth the copy.
  self.postMessage({ ...verdict, trace: verdict.failure === null ? null : verdict.trace });
};
