/**
 * `deno task start [keva dev flags]`: builds if needed, then runs `keva dev` in the foreground.
 *
 * What stands between a person and Keva is npm, deno's npm launcher, deno task and this file, and
 * the launcher dies of a signal without telling its child. Two consequences are cured here. Ctrl-C
 * would give the prompt back while the cluster is still stopping: so the terminal hands this
 * process the key itself, and it alone signals keva. And when npm is stopped from outside, the
 * cluster would live on unseen: so it is stopped once the launcher is gone.
 */

import { buildBinary } from "./build.ts";

const CTRL_C = 0x03;
const LAUNCHER_POLL_MS = 500;

async function main(): Promise<number> {
  const binary = await buildBinary();
  const keva = new Deno.Command(binary, { args: ["dev", ...Deno.args], stdin: "null" }).spawn();
  const stop = (): void => signal(keva, "SIGTERM");
  Deno.addSignalListener("SIGINT", stop);
  if (Deno.build.os !== "windows") {
    Deno.addSignalListener("SIGTERM", stop);
    Deno.addSignalListener("SIGHUP", stop);
    if (Deno.env.has("npm_lifecycle_event")) void whenLauncherIsGone().then(stop);
  }
  const restoreTerminal = onCtrlC(() => signal(keva, "SIGINT"));
  const { code } = await keva.status;
  restoreTerminal();
  return code;
}

/** Calls `run` when Ctrl-C is typed, instead of the signal to every process of the terminal. */
function onCtrlC(run: () => void): () => void {
  if (!Deno.stdin.isTerminal() || Deno.build.os === "windows") return () => {};
  Deno.stdin.setRaw(true);
  void readKeys(run);
  return () => Deno.stdin.setRaw(false);
}

async function readKeys(onInterrupt: () => void): Promise<void> {
  const keys = new Uint8Array(64);
  for (;;) {
    const count = await Deno.stdin.read(keys);
    if (count === null) return;
    if (keys.subarray(0, count).includes(CTRL_C)) onInterrupt();
  }
}

/** Resolves when the process that started `deno task` has ended. */
async function whenLauncherIsGone(): Promise<void> {
  const launcher = await parentOf(Deno.ppid);
  while (await parentOf(Deno.ppid) === launcher) {
    await new Promise((resolve) => setTimeout(resolve, LAUNCHER_POLL_MS));
  }
}

async function parentOf(pid: number): Promise<string> {
  if (Deno.build.os === "linux") {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    return stat.slice(stat.lastIndexOf(")")).split(" ")[2]!; // The name before it may hold spaces.
  }
  const ps = new Deno.Command("ps", { args: ["-o", "ppid=", "-p", String(pid)] });
  return new TextDecoder().decode((await ps.output()).stdout).trim();
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch {
    // It has ended already, which is all that a signal could ask for.
  }
}

try {
  Deno.exit(await main());
} catch (error) {
  console.error(`start: ${error instanceof Error ? error.message : error}`);
  Deno.exit(1);
}
