/** What processes have used so far, as /proc tells. */

export type Usage = {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** Of those, what is no copy of a file and so cannot be given back at need. */
  readonly anonymousBytes: number;
};

/** The kernel counts in these whatever the hardware does; `getconf CLK_TCK` says 100 everywhere. */
const TICKS_PER_SECOND = 100;

export function usageOf(pid: number): Usage {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The name may hold spaces; behind it the fields start with the third, the state.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return {
    cpuSeconds: (user + system) / TICKS_PER_SECOND,
    rssBytes: bytesOf(status, "VmRSS"),
    anonymousBytes: bytesOf(status, "RssAnon"),
  };
}

function bytesOf(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024;
}
