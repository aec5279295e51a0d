/**
 * One simulated process: it reaches the world only through these ports, so that it can be paused
 * (nothing runs, everything that was to run comes in a burst afterwards) or ended (nothing of it
 * ever runs again, whatever it had started).
 */

import type {
  Clock,
  Connection,
  Disk,
  DiskFile,
  Network,
  Process,
  Timer,
} from "../../src/base/mod.ts";

export class SimHost {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly network: Network;
  readonly process: Process = {
    usage: () => ({ cpuSeconds: 0, residentBytes: 0, heapBytes: 0, openFiles: undefined }),
    spareFiles: (enough) => enough,
  };
  /** What this machine's wall clock is ahead of the true one, in milliseconds. */
  wallOffsetMs = 0;
  #state: "running" | "paused" | "dead" = "running";
  #waiting: (() => void)[] = [];

  constructor(world: { readonly clock: Clock; readonly disk: Disk; readonly network: Network }) {
    this.clock = this.#clockOver(world.clock);
    this.disk = this.#diskOver(world.disk);
    this.network = this.#networkOver(world.network);
  }

  get paused(): boolean {
    return this.#state === "paused";
  }

  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) this.#gate(run);
  }

  end(): void {
    this.#state = "dead";
    this.#waiting = [];
  }

  #gate(run: () => void): void {
    if (this.#state === "running") run();
    else if (this.#state === "paused") this.#waiting.push(run);
  }

  /** Resolves with `value` when this process runs, never when it has ended. */
  #passed<T>(value: T): Promise<T> {
    return new Promise((resolve) => this.#gate(() => resolve(value)));
  }

  /** Settles as `promise` does, but only while this process runs. */
  async #gated<T>(promise: Promise<T>): Promise<T> {
    try {
      return await this.#passed(await promise);
    } catch (error) {
      await this.#passed(undefined);
      throw error;
    }
  }

  #clockOver(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      wallTime: () => clock.wallTime() + this.wallOffsetMs,
      after: (delayMs, run) => clock.after(delayMs, () => this.#gate(run)),
      every: (intervalMs, run) => this.#every(clock, intervalMs, run),
      soon: (run) => clock.soon(() => this.#gate(run)),
      yield: () => this.#gated(clock.yield()),
    };
  }

  /** However many runs a pause has swallowed, one comes after it. */
  #every(clock: Clock, intervalMs: number, run: () => void): Timer {
    let due = false;
    let cancelled = false;
    const timer = clock.every(intervalMs, () => {
      if (this.#state === "dead") return timer.cancel();
      if (due) return;
      due = true;
      this.#gate(() => {
        due = false;
        if (!cancelled) run();
      });
    });
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  #diskOver(disk: Disk): Disk {
    return {
      open: (path, mode) => this.#fileOver(disk.open(path, mode)),
      read: (path, sizeBytesMax) => disk.read(path, sizeBytesMax),
      list: (path) => disk.list(path),
      exists: (path) => disk.exists(path),
      permissions: (path) => disk.permissions(path),
      makeDirectory: (path) => disk.makeDirectory(path),
      rename: (from, to) => disk.rename(from, to),
      remove: (path) => disk.remove(path),
      syncDirectory: (path) => this.#gated(disk.syncDirectory(path)),
      lock: (path) => disk.lock(path),
      freeBytes: (path) => disk.freeBytes(path),
    };
  }

  #fileOver(file: DiskFile): DiskFile {
    return {
      path: file.path,
      readAt: (offset, buffer) => file.readAt(offset, buffer),
      writeAt: (offset, bytes) => file.writeAt(offset, bytes),
      size: () => file.size(),
      truncate: (sizeBytes) => file.truncate(sizeBytes),
      sync: () => this.#gated(file.sync()),
      close: () => file.close(),
    };
  }

  #networkOver(network: Network): Network {
    return {
      listen: (address, accept) =>
        this.#gated(network.listen(address, (one) => {
          this.#gate(() => accept(this.#connectionOver(one)));
        })),
      dial: async (address, timeoutMs) =>
        this.#connectionOver(await this.#gated(network.dial(address, timeoutMs))),
    };
  }

  #connectionOver(connection: Connection): Connection {
    return {
      remote: connection.remote,
      read: (buffer) => this.#gated(connection.read(buffer)),
      write: (bytes) => this.#gated(connection.write(bytes)),
      closeWrite: () => this.#gated(connection.closeWrite()),
      close: () => connection.close(),
    };
  }
}
