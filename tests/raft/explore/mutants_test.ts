/**
 * Proof that the explorer bites: every mutant of the core must be found within 600 seeds.
 * That takes minutes, so it runs only when asked for: `MUTANTS=all` or `MUTANTS=part of a name`.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Mutant, MUTANTS } from "./mutants.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const COPIED = ["src/base", "src/raft", "tests/raft/explore"];
const SEEDS = 600;
/** A mutant that keeps the explorer busy for so long has not been found, but caught. */
const TIMEOUT_MS = 120_000;

const asked = Deno.env.get("MUTANTS");

Deno.test("every mutant still has its one place in the core", () => {
  for (const { name, file, find } of MUTANTS) {
    const source = Deno.readTextFileSync(`${ROOT}src/raft/${file}`);
    assert.equal(source.split(find).length, 2, `${name}: not exactly once in ${file}: ${find}`);
  }
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
});

Deno.test({
  name: "the explorer finds every mutant of the core",
  ignore: asked === undefined,
  fn: async () => {
    const directory = Deno.makeTempDirSync();
    const survivors: string[] = [];
    try {
      for (const mutant of MUTANTS) {
        if (asked !== "all" && !mutant.name.includes(asked!)) continue;
        const verdict = await hunt(directory, mutant);
        console.log(`${verdict ?? "SURVIVES"}\t${mutant.name}`);
        if (verdict === null) survivors.push(mutant.name);
      }
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
    assert.deepEqual(survivors, []);
  },
});

/** How the mutant was found: after how many seeds, and what the oracle said; null when it was not. */
async function hunt(directory: string, { file, find, replace }: Mutant): Promise<string | null> {
  for (const path of COPIED) copy(`${ROOT}${path}`, `${directory}/${path}`);
  const path = `${directory}/src/raft/${file}`;
  Deno.writeTextFileSync(path, Deno.readTextFileSync(path).replace(find, () => replace));
  const main = `${directory}/tests/raft/explore/main.ts`;
  const { code, signal, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-check", "--allow-all", main, "1", String(SEEDS), "1"],
    signal: AbortSignal.timeout(TIMEOUT_MS),
    stderr: "null",
  }).output();
  if (signal !== null) return "ran for ever";
  if (code === 0) return null;
  const text = new TextDecoder().decode(stdout);
  const seeds = text.match(/killed after (\d+) seeds/)?.[1];
  assert.ok(seeds, `the mutant does not run: ${text}`);
  return `${seeds}\t${text.split("\n", 1)[0]}`;
}

function copy(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isFile } of Deno.readDirSync(from)) {
    if (isFile && !name.endsWith("_test.ts")) Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}
