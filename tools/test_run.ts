/**
 * One run of `deno test`, shown as it happens and counted.
 *
 * The counts are those of the runner's own summary line; its JUnit report leaves out files that
 * failed to load, and counts steps as tests.
 */

export interface Totals {
  passed: number;
  failed: number;
  ignored: number;
}

const SUMMARY = /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed(?:.*? \| (\d+) ignored)?/;
// deno-lint-ignore no-control-regex -- terminal colours are control characters
const COLOURS = /\x1b\[[0-9;]*m/g;

export async function runTests(root: string, files: string[], flags: string[]): Promise<Totals> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", ...flags, ...files],
    cwd: root,
    env: Deno.stdout.isTerminal() && !Deno.noColor ? { FORCE_COLOR: "1" } : {},
    stdout: "piped",
  }).spawn();
  const [shown, counted] = child.stdout.tee();
  const [output, { success }] = await Promise.all([
    new Response(counted).text(),
    child.status,
    shown.pipeTo(Deno.stdout.writable, { preventClose: true }),
  ]);
  return totalsOf(output, success);
}

/** A run that failed has at least one failure, even when it ended before it could count. */
export function totalsOf(output: string, success: boolean): Totals {
  const lines = output.replaceAll(COLOURS, "").split("\n");
  const summary = lines.map((line) => SUMMARY.exec(line)).findLast((match) => match !== null);
  const [, passed, failed, ignored] = summary?.map(Number) ?? [];
  return {
    passed: passed || 0,
    failed: success ? failed || 0 : Math.max(failed || 0, 1),
    ignored: ignored || 0,
  };
}
