/**
 * `deno task start [keva dev flags]`: builds if needed, then runs `keva dev` in the foreground.
 *
 * Between a person and Keva stand npm, the launcher of its deno package, deno task and this file,
 * and the launcher dies of a signal without telling its child. Hence the cures here:
 * - keva runs in a process group of its own, so that it is told to stop once, and by this file only;
 * - Ctrl-C is read as a key. As a signal it would end npm at once, and the prompt would come back
 *   while the cluster is still stopping;
 * - when npm is stopped from outside, this file sees that and stops the cluster.
 */

import { buildBinary } from "./build.ts";
import { whenLauncherIsGone } from "./launcher.ts";

const CTRL_C = 0x03;
const ON_WINDOWS = Deno.build.os === "windows";

async function main(): Promise<number> {
  const binary = await buildBinary();
  const keva = new Deno.Command(binary, {
    args: ["dev", ...Deno.args],
    stdin: "null",
    detached: !ON_WINDOWS,
  }).spawn();
  const stop = once(() => signal(keva, "SIGTERM"));
  Deno.addSignalListener("SIGINT", stop);
  if (!ON_WINDOWS) {
    Deno.addSignalListener("SIGTERM", stop);
    Deno.addSignalListener("SIGHUP", stop);
    void whenLauncherIsGone().then(stop);
  }
  const restoreTerminal = onCtrlC(() => signal(keva, "SIGINT"));
  const { code } = await keva.status;
  restoreTerminal();
  return code;
}

/** Calls `run` when Ctrl-C is typed, instead of the signal to every process of the terminal. */
function onCtrlC(run: () => void): () => void {
  if (ON_WINDOWS || !Deno.stdin.isTerminal()) return () => {};
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

/** A group signal and the end of the launcher ask for the same thing, which keva hears once. */
function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (!done) run();
    done = true;
  };
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
