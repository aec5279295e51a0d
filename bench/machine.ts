/** What the figures depend on besides the program: they mean nothing without it. */

export type Machine = {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly deno: string;
  /** Median time to make one appended block durable where the data lies. */
  readonly syncMs: number;
  /** When the bench began: above a few tenths, somebody else was using the machine too. */
  readonly load1: number;
};

const SYNCS = 200;
const BLOCK_BYTES = 4096;

export async function describeMachine(directory: string): Promise<Machine> {
  const cpu = /^model name\s*: (.*)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1];
  return {
    cpu: cpu ?? Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    memoryBytes: Deno.systemMemoryInfo().total,
    kernel: Deno.osRelease(),
    deno: Deno.version.deno,
    syncMs: medianSyncMs(`${directory}/sync-probe`),
    load1: Deno.loadavg()[0] as number,
  };
}

/** A durable write cannot be faster than this. */
function medianSyncMs(path: string): number {
  const file = Deno.openSync(path, { write: true, createNew: true });
  const block = crypto.getRandomValues(new Uint8Array(BLOCK_BYTES));
  const times = Array.from({ length: SYNCS }, () => {
    file.writeSync(block);
    const startedAt = performance.now();
    file.syncDataSync();
    return performance.now() - startedAt;
  });
  file.close();
  Deno.removeSync(path);
  return times.sort((a, b) => a - b)[SYNCS / 2] as number;
}
