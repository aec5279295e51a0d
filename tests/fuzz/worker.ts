/** Runs one target for `main.ts`. */

import { Blackboard } from "./blackboard.ts";
import { fuzz } from "./fuzzer.ts";
import type { Target } from "./target.ts";
import { TARGETS } from "./targets/mod.ts";

type Order = {
  readonly target: string;
  readonly memory: SharedArrayBuffer;
  readonly cases: number;
  readonly seconds: number;
  readonly seed: number;
};

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Order>) => void;
  postMessage(message: unknown): void;
};

scope.onmessage = async ({ data }): Promise<void> => {
  const target = TARGETS.find(({ name }) => name === data.target) as Target;
  const board = new Blackboard(data.memory);
  const report = await fuzz(target, { ...data, before: (input) => board.write(input) });
  scope.postMessage(report);
};
