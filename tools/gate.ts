/**
 * Decides whether a change may land: `deno task ok`, and `deno task test` without the formatting.
 *
 * Every step runs even when an earlier one failed, and the last line is always
 * `N passed, N failed`: the tests of all runs, and one failure for each other step that failed.
 * With paths, `deno task test tests/raft`, only the tests below them run.
 */

import { buildBinary } from "./build.ts";
import { filesUnder, ROOT } from "./paths.ts";
import { runTests, type Totals } from "./test_run.ts";

/** What is formatted, linted and type-checked. Folders that do not exist yet are left out. */
const SOURCES = ["main.ts", "src", "tests", "tools", "bench", "examples"];

/** These start real processes and measure time, so nothing else runs beside them. */
const END_TO_END = "tests/e2e";

const totals: Totals = { passed: 0, failed: 0, ignored: 0 };

async function main(mode: string | undefined, paths: string[]): Promise<void> {
  if (mode === "ok") await step("format", () => deno("fmt", "--check"));
  if (paths.length === 0) {
    const sources = SOURCES.filter((path) => filesUnder(path).length > 0);
    await step("types", () => deno("check", "--quiet", ...sources));
    await step("lint", () => deno("lint", "--quiet", ...sources));
  }
  const { parallel, alone } = selectTests(paths);
  await run("tests", parallel, ["--parallel"]);
  if (alone.length > 0 && await step("build", built)) await run("end-to-end tests", alone, []);
  if (totals.passed === 0 && totals.failed === 0) {
    console.error("No test was found.");
    totals.failed = 1;
  }
  const ignored = totals.ignored === 0 ? "" : `, ${totals.ignored} skipped`;
  console.log(`\n${totals.passed} passed, ${totals.failed} failed${ignored}`);
  Deno.exit(totals.failed === 0 ? 0 : 1);
}

/** Runs one step; it counts only when it fails. */
async function step(name: string, work: () => Promise<boolean>): Promise<boolean> {
  heading(name);
  const good = await work();
  if (!good) {
    console.error(`${name} failed`);
    totals.failed += 1;
  }
  return good;
}

async function run(name: string, files: string[], flags: string[]): Promise<void> {
  if (files.length === 0) return;
  heading(name);
  const { passed, failed, ignored } = await runTests(ROOT, files, flags);
  totals.passed += passed;
  totals.failed += failed;
  totals.ignored += ignored;
}

async function deno(...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).spawn().status;
  return success;
}

async function built(): Promise<boolean> {
  try {
    await buildBinary();
    return true;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return false;
  }
}

/** Test files under `paths` (default: all), apart from those that must run alone. */
function selectTests(paths: string[]): { parallel: string[]; alone: string[] } {
  const all: string[] = [];
  for (const path of paths.length === 0 ? ["tests"] : paths) {
    const found = filesUnder(path.replace(/^\.\/|\/$/g, "")).filter((file) =>
      /_test\.ts$/.test(file)
    );
    if (found.length === 0) {
      console.error(`Cannot find a test under ${path}: name a *_test.ts file or a folder of them.`);
      totals.failed += 1;
    }
    all.push(...found);
  }
  const isAlone = (path: string): boolean => path.startsWith(`${END_TO_END}/`);
  return { parallel: all.filter((path) => !isAlone(path)), alone: all.filter(isAlone) };
}

function heading(name: string): void {
  console.log(`\n── ${name}`);
}

await main(Deno.args[0], Deno.args.slice(1));
