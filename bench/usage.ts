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

/** What the process has caused to be written to disks, whole pages. */
export function diskBytesOf(pid: number): number {
  return Number(/^write_bytes: (\d+)$/m.exec(Deno.readTextFileSync(`/proc/${pid}/io`))?.[1]);
}

/** Files and connections. */
export function openFilesOf(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** How often the device on which `path` lies was told to make its cache durable, by anybody. */
export function flushesOf(path: string): number {
  const { dev } = Deno.statSync(path);
  const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
  const device = `/sys/dev/block/${major}:${minor}`;
  // Flushes are counted for the whole device, not for a partition of it.
  const counts = [`${device}/../stat`, `${device}/stat`].map(statOf).find(({ length }) =>
    length > 0
  );
  return counts?.[FLUSHES] ?? NaN;
}

/** The place in a device's `stat`, since Linux 5.5. */
const FLUSHES = 15;

function statOf(path: string): number[] {
  try {
    return Deno.readTextFileSync(path).trim().split(/\s+/).map(Number);
  } catch {
    return [];
  }
}
