/**
 * Notices that the command which started this process, `npm start` as a rule, has ended.
 *
 * `npm start` is a chain of npm, a shell, a launcher and deno task. A signal to npm ends its upper
 * part only; the rest is adopted by another parent and would go on unseen.
 */

const POLL_MS = 500;

/** Enough to reach npm from below; how deep its own caller stands does not matter. */
const CHAIN_MAX = 16;

interface Ancestor {
  pid: number;
  parent: number;
  command: string;
}

const LAUNCHER = /^np[mx] |\bdeno task /;

/** Resolves when a process between the launcher and this one has ended; never without a launcher. */
export async function whenLauncherIsGone(): Promise<void> {
  const chain = await chainToLauncher();
  if (chain === "") return await new Promise(() => {});
  do {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  } while (await chainToLauncher() === chain);
}

/** The processes from this one's parent up to the topmost launcher; empty when there is none. */
async function chainToLauncher(): Promise<string> {
  const pids: number[] = [];
  let chain = "";
  let ancestor = await ancestorOf(Deno.ppid);
  while (ancestor !== undefined && pids.length < CHAIN_MAX) {
    pids.push(ancestor.pid);
    if (LAUNCHER.test(ancestor.command)) chain = pids.join(" ");
    ancestor = await ancestorOf(ancestor.parent);
  }
  return chain;
}

async function ancestorOf(pid: number): Promise<Ancestor | undefined> {
  try {
    return Deno.build.os === "linux" ? await fromProc(pid) : await fromPs(pid);
  } catch {
    return undefined; // It has ended meanwhile.
  }
}

/** Without `ps`, which a small Linux image may lack. */
async function fromProc(pid: number): Promise<Ancestor> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const [, , parent] = stat.slice(stat.lastIndexOf(")")).split(" "); // The name may hold spaces.
  const command = (await Deno.readTextFile(`/proc/${pid}/cmdline`)).replaceAll("\0", " ");
  return { pid, parent: Number(parent), command };
}

async function fromPs(pid: number): Promise<Ancestor> {
  const ps = new Deno.Command("ps", { args: ["-o", "ppid=,command=", "-p", String(pid)] });
  const line = new TextDecoder().decode((await ps.output()).stdout).trim();
  const [parent = "", ...command] = line.split(/\s+/);
  return { pid, parent: Number(parent), command: command.join(" ") };
}
