/** As many writes as the cluster takes, over a bounded number of keys, all of them acknowledged. */

import type { SeededRandom } from "../../support/seeded_random.ts";
import type { Node } from "./cluster.ts";
import { bytesOf, put } from "./kv.ts";
import type { Ledger } from "./ledger.ts";

export type BulkOptions = {
  readonly nodes: readonly Node[];
  readonly ledger: Ledger;
  readonly random: SeededRandom;
  readonly writes: number;
  /** Writes of one key follow one another, so this is also how many are under way at once. */
  readonly writers: number;
  readonly keysPerWriter: number;
};

/** Returns how many writes were made in a second. */
export async function writeMany(options: BulkOptions): Promise<number> {
  const { nodes, ledger, random, writes, writers, keysPerWriter } = options;
  const startedAt = performance.now();
  let left = writes;
  const write = async (writer: number): Promise<void> => {
    const node = nodes[writer % nodes.length] as Node;
    for (let count = 0; left > 0; count++) {
      left--;
      const key = bytesOf(`bulk/${writer}/${count % keysPerWriter}`);
      const value = random.bytes(random.between(0, 200));
      const outcome = await put(node.client, key, value);
      if (outcome.effect !== "done") throw new Error(`a write was not done: ${outcome.why}`);
      ledger.record(key, value, outcome);
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  return Math.round(writes / (performance.now() - startedAt) * 1000);
}
