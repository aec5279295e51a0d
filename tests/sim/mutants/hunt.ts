/**
 * Hunts one mutant: puts its mistake into a copy of the sources, and lets its net run there until a
 * seed fails.
 */

import { ROOT } from "../../../tools/paths.ts";
import { LOADED, type Mutant } from "./mutant.ts";

export type Hunt = {
  readonly mutant: Mutant;
  readonly killed: boolean;
  /** How many seeds ran, the one that failed included. */
  readonly seeds: number;
  readonly seconds: number;
  /** What the net said. */
  readonly how: string;
};

export const SEEDS_MAX = 200;
/** A seed that takes longer has been caught in a loop, which is no way to survive. */
const SEED_MS_MAX = 180_000;
const COPIED = ["src", "tests", "tools", "deno.json"];
/** A mutant that names what the product no longer has fails for that alone. */
const NO_PROGRAM = /^(ReferenceError|TypeError: .* is not a function)/;

/** A copy of the sources; `hunt` needs one that nobody else uses meanwhile. */
export function makeSandbox(): string {
  const directory = Deno.makeTempDirSync({ prefix: "keva-mutants-" });
  for (const path of COPIED) copy(`${ROOT}/${path}`, `${directory}/${path}`);
  Deno.symlinkSync(`${ROOT}/node_modules`, `${directory}/node_modules`);
  return directory;
}

export async function hunt(sandbox: string, mutant: Mutant): Promise<Hunt> {
  const startedMs = performance.now();
  const path = `${sandbox}/${mutant.file}`;
  const sound = Deno.readTextFileSync(path);
  Deno.writeTextFileSync(path, sound.replace(mutant.find, () => mutant.replace));
  try {
    const { seeds, how } = await runNet(sandbox, mutant);
    const seconds = (performance.now() - startedMs) / 1_000;
    return { mutant, killed: how !== null, seeds, seconds, how: how ?? "SURVIVED" };
  } finally {
    Deno.writeTextFileSync(path, sound);
  }
}

async function runNet(
  sandbox: string,
  { name, net }: Mutant,
): Promise<{ seeds: number; how: string | null }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "tests/sim/mutants/hunter.ts", net, `${SEEDS_MAX}`],
    cwd: sandbox,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let seeds = 0;
  let loaded = false;
  let loop = false;
  const watch = () =>
    setTimeout(() => {
      loop = true;
      child.kill("SIGKILL");
    }, SEED_MS_MAX);
  let timer = watch();
  let how: string | null = null;
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() as string;
    loaded ||= lines.includes(LOADED);
    for (const line of lines.filter((one) => one.startsWith("{"))) {
      const report = JSON.parse(line) as { seed: number; failure: string | null };
      seeds = report.seed;
      how = report.failure;
    }
    clearTimeout(timer);
    timer = watch();
  }
  clearTimeout(timer);
  const { success } = await child.status;
  if (!loaded || NO_PROGRAM.test(how ?? "")) throw new Error(`the mutant ${name} is no program`);
  if (success) return { seeds, how };
  return { seeds: seeds + 1, how: loop ? "it never ends" : "the process ends" };
}

function copy(from: string, to: string): void {
  if (Deno.statSync(from).isFile) return Deno.copyFileSync(from, to);
  Deno.mkdirSync(to, { recursive: true });
  for (const { name } of Deno.readDirSync(from)) copy(`${from}/${name}`, `${to}/${name}`);
}
