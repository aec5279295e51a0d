/**
 * How much of the folders that must not fail is run by their tests, the explorer, and a part of
 * the simulator: lines and branches per folder, and every line that nothing runs.
 */

import { ROOT } from "../../tools/paths.ts";

export type Share = { found: number; hit: number };
export type FolderCoverage = {
  readonly folder: string;
  readonly lines: Share;
  readonly branches: Share;
  /** `src/raft/core.ts:12` */
  readonly missed: string[];
};

export const FOLDERS = ["raft", "kv", "storage", "peers"] as const;
const TESTS = ["raft", "kv", "storage", "peers", "node", "crash", "sim/sim_test.ts"];

export async function measureCoverage(): Promise<FolderCoverage[]> {
  const directory = Deno.makeTempDirSync({ prefix: "keva-coverage-" });
  try {
    const tests = TESTS.map((path) => `tests/${path}`);
    await deno(
      "test",
      "-A",
      "--no-check",
      "--quiet",
      "--parallel",
      `--coverage=${directory}`,
      ...tests,
    );
    const lcov = await deno("coverage", "--lcov", "--include=/src/", directory);
    return FOLDERS.map((folder) => coverageOf(folder, lcov));
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

export function percent({ found, hit }: Share): number {
  return found === 0 ? 100 : 100 * hit / found;
}

function coverageOf(folder: string, lcov: string): FolderCoverage {
  const lines: Share = { found: 0, hit: 0 };
  const branches: Share = { found: 0, hit: 0 };
  const missed: string[] = [];
  let file = "";
  for (const line of lcov.split("\n")) {
    const [kind, rest = ""] = [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)];
    if (kind === "SF") file = rest.slice(rest.indexOf("/src/") + 1);
    if (!file.startsWith(`src/${folder}/`)) continue;
    const parts = rest.split(",");
    if (kind === "DA") {
      count(lines, parts[1]);
      if (parts[1] === "0") missed.push(`${file}:${parts[0]}`);
    } else if (kind === "BRDA") count(branches, parts[3]);
  }
  return { folder, lines, branches, missed };
}

function count(share: Share, times: string | undefined): void {
  share.found++;
  if (times !== "0" && times !== "-") share.hit++;
}

async function deno(...args: string[]): Promise<string> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    stderr: "inherit",
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (!success) throw new Error(`deno ${args[0]} failed\n${text.slice(-4_000)}`);
  return text;
}
