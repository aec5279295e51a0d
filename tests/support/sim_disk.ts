/**
 * The Disk port in memory, with a device that forgets what was not synced and fails when told to.
 * Nothing is random but what a crash keeps, and that comes from a seed.
 *
 * A crash gives a new disk and leaves this one as it is: processes that still hold the old one
 * cannot touch what the next process sees, and one moment can be crashed in many ways.
 */

import {
  type Disk,
  DiskError,
  type DiskErrorCode,
  type DiskFile,
  type DiskLock,
  err,
  ok,
  type OpenMode,
  type Result,
} from "../../src/base/mod.ts";
import { SeededRandom } from "./seeded_random.ts";
import { type CrashMode, SimInode } from "./sim_inode.ts";

export type { CrashMode } from "./sim_inode.ts";

export type DiskOperation = {
  readonly number: number;
  readonly kind: string;
  readonly path: string;
  readonly offset?: number;
  readonly lengthBytes?: number;
};

/** All off at first. Each may be switched at any time. */
export type DiskFaults = {
  /** Bytes of all files together. What does not fit is written in part, then `full`. */
  capacityBytes: number;
  /** Operations from this number on fail: the power is off. Nothing of a failed one happens. */
  powerOffAt: number;
  /** Writes for which this says a number fail with `io` after that many bytes. */
  failWrite: ((path: string, lengthBytes: number) => number | undefined) | undefined;
  failSync: ((path: string) => boolean) | undefined;
};

type Node = SimInode | "directory";
/** A change of names that is not on the device yet; undefined: the name is gone. */
type NameChange = {
  readonly names: ReadonlyMap<string, Node | undefined>;
  /** The directory whose sync makes it durable: of a rename, the target's. */
  readonly folder: string;
};

export class SimDisk implements Disk {
  readonly faults: DiskFaults = {
    capacityBytes: Infinity,
    powerOffAt: Infinity,
    failWrite: undefined,
    failSync: undefined,
  };
  /** What was asked of this disk, oldest first; only while `recording`. */
  readonly operations: DiskOperation[] = [];
  recording = false;
  /** Called before each of them happens. */
  onOperation: (() => void) | undefined;
  /** How a completed sync reaches its caller: at once, or when a simulator says so. */
  schedule: (complete: () => void) => void = (complete) => complete();
  #operationCount = 0;
  #syncCount = 0;
  readonly #syncsByPath = new Map<string, number>();
  #nodes = new Map<string, Node>();
  #durable = new Map<string, Node>();
  #changes: NameChange[] = [];
  readonly #locks = new Set<string>();
  #holding = false;
  #held: (() => void)[] = [];

  /** Counts every call that changes or syncs something: a power-off can be set at each. */
  get operationCount(): number {
    return this.#operationCount;
  }

  /** Syncs of files and directories that have completed. */
  get syncCount(): number {
    return this.#syncCount;
  }

  syncsOf(path: string): number {
    return this.#syncsByPath.get(normal(path)) ?? 0;
  }

  /** From now on syncs wait for `releaseSyncs`. */
  holdSyncs(): void {
    this.#holding = true;
  }

  /** Lets the waiting syncs complete, and those to come. */
  releaseSyncs(): void {
    this.#holding = false;
    const held = this.#held;
    this.#held = [];
    for (const complete of held) complete();
  }

  get heldSyncs(): number {
    return this.#held.length;
  }

  /**
   * The disk that the next process finds when power fails now, keeping `mode` of what files hold
   * and `nameMode` of what directories do. Faults are off again.
   */
  afterCrash(mode: CrashMode, seed = 0, nameMode: CrashMode = mode): SimDisk {
    const random = new SeededRandom(seed);
    const survivor = new SimDisk();
    const names = new Map(this.#durable);
    for (const change of this.#changes) {
      const kept = nameMode === "random" ? random.chance(1, 2) : nameMode !== "drop";
      if (kept) applyChange(names, change);
    }
    const inodes = new Map<SimInode, SimInode>();
    for (const [path, node] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!parents(path).every((parent) => names.get(parent) === "directory")) continue;
      if (node === "directory") survivor.#nodes.set(path, node);
      else {
        const inode = inodes.get(node) ?? node.afterCrash(mode, random);
        inodes.set(node, inode);
        survivor.#nodes.set(path, inode);
      }
    }
    survivor.#durable = new Map(survivor.#nodes);
    return survivor;
  }

  /**
   * The process was killed: its locks are gone, while the page cache, with all that is not on the
   * device yet, is what the next process reads. The old process must not be let run on.
   */
  afterKill(): SimDisk {
    this.faults.powerOffAt = Infinity;
    this.#locks.clear();
    return this;
  }

  /** Flips the bits of `mask` in one byte, durably and silently. */
  corrupt(path: string, offset: number, mask: number): void {
    this.#file(path, "corrupt").corrupt(offset, mask);
  }

  open(path: string, mode: OpenMode): DiskFile {
    if (mode !== "create") return this.#handle(path, this.#file(path, "open"));
    this.#operation("create", path);
    if (this.#nodes.has(normal(path))) throw new DiskError("exists", path, "open", "it exists");
    this.#expectParent(path, "open");
    const inode = new SimInode();
    this.#change([[path, inode]]);
    return this.#handle(path, inode);
  }

  read(path: string, sizeBytesMax: number): Uint8Array {
    const inode = this.#file(path, "read");
    if (inode.sizeBytes > sizeBytesMax) throw new DiskError("io", path, "read", "too large");
    const bytes = new Uint8Array(inode.sizeBytes);
    inode.read(0, bytes);
    return bytes;
  }

  list(path: string): string[] {
    const folder = normal(path);
    const node = this.#nodes.get(folder);
    if (node === undefined && folder !== "") return [];
    if (node instanceof SimInode) throw new DiskError("io", path, "list", "not a directory");
    const prefix = folder === "" ? "" : `${folder}/`;
    return [...this.#nodes.keys()]
      .filter((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes("/"))
      .map((name) => name.slice(prefix.length)).sort();
  }

  exists(path: string): boolean {
    return normal(path) === "" || this.#nodes.has(normal(path));
  }

  permissions(path: string): { mode: number; isOwn: boolean } {
    if (!this.exists(path)) throw new DiskError("missing", path, "stat", "no such file");
    return { mode: 0o600, isOwn: true };
  }

  makeDirectory(path: string): void {
    for (const folder of [...parents(normal(path)), normal(path)]) {
      if (folder === "" || this.#nodes.get(folder) === "directory") continue;
      this.#operation("makeDirectory", folder);
      if (this.#nodes.has(folder)) throw new DiskError("io", path, "make directory", "a file");
      this.#change([[folder, "directory"]]);
    }
  }

  rename(from: string, to: string): void {
    this.#operation("rename", to);
    const inode = this.#file(from, "rename");
    this.#expectParent(to, "rename");
    this.#change([[from, undefined], [to, inode]]);
  }

  remove(path: string): void {
    if (!this.#nodes.has(normal(path))) return;
    this.#operation("remove", path);
    this.#change([[path, undefined]]);
  }

  async syncDirectory(path: string): Promise<void> {
    const folder = normal(path);
    if (!this.exists(path)) throw new DiskError("missing", path, "sync directory", "no such one");
    const seen = [...this.#changes];
    await this.#sync(path, () => {
      const covered = coveredBy(seen, folder);
      for (const change of covered) applyChange(this.#durable, change);
      this.#changes = this.#changes.filter((change) => !covered.includes(change));
    });
  }

  lock(path: string): Result<DiskLock, DiskError> {
    const name = normal(path);
    if (this.#locks.has(name)) return err(new DiskError("busy", path, "lock", "it is held"));
    if (!this.#nodes.has(name)) this.open(path, "create").close();
    this.#locks.add(name);
    let released = false;
    return ok({
      release: () => {
        if (!released) this.#locks.delete(name);
        released = true;
      },
    });
  }

  freeBytes(_path: string): number {
    return Math.max(0, Math.min(this.faults.capacityBytes, 2 ** 40) - this.usedBytes);
  }

  get usedBytes(): number {
    let used = 0;
    for (const node of this.#nodes.values()) if (node instanceof SimInode) used += node.sizeBytes;
    return used;
  }

  #handle(path: string, inode: SimInode): DiskFile {
    let open = true;
    const use = (operation: string): SimInode => {
      if (!open) throw new DiskError("io", path, operation, "the file is closed");
      return inode;
    };
    return {
      path,
      readAt: (offset, buffer) => use("read").read(offset, buffer),
      writeAt: (offset, bytes) => this.#write(path, use("write"), { offset, bytes }),
      size: () => use("stat").sizeBytes,
      truncate: (sizeBytes) => {
        use("truncate");
        this.#operation("truncate", path, { offset: sizeBytes });
        inode.truncate(sizeBytes);
      },
      sync: async () => {
        const { stamp } = use("sync");
        await this.#sync(path, () => inode.makeDurable(stamp), () => inode.forget(stamp));
      },
      close: () => {
        open = false;
      },
    };
  }

  #write(path: string, inode: SimInode, part: { offset: number; bytes: Uint8Array }): void {
    const { offset, bytes } = part;
    this.#operation("write", path, { offset, lengthBytes: bytes.length });
    const failAfter = this.faults.failWrite?.(path, bytes.length);
    const growth = Math.max(0, offset + bytes.length - inode.sizeBytes);
    const free = Math.max(0, this.faults.capacityBytes - this.usedBytes);
    const missing = Math.max(0, growth - free);
    const fits = Math.max(0, bytes.length - missing);
    inode.write(offset, bytes.subarray(0, Math.min(fits, failAfter ?? bytes.length)));
    if (failAfter !== undefined) throw new DiskError("io", path, "write", "injected");
    if (missing > 0) throw new DiskError("full", path, "write", "no space left");
  }

  async #sync(path: string, complete: () => void, forget: () => void = () => {}): Promise<void> {
    this.#operation("sync", path);
    if (this.faults.failSync?.(path)) {
      forget();
      throw new DiskError("io", path, "sync", "injected");
    }
    if (this.#holding) await new Promise<void>((resolve) => this.#held.push(resolve));
    else await new Promise<void>((resolve) => this.schedule(resolve));
    // The power may have gone while the device was at it: then nobody hears of completion.
    this.#expectPower(path, "sync", this.#operationCount);
    complete();
    this.#syncCount++;
    this.#syncsByPath.set(normal(path), this.syncsOf(path) + 1);
  }

  #operation(kind: string, path: string, more: { offset?: number; lengthBytes?: number } = {}) {
    this.onOperation?.();
    const number = ++this.#operationCount;
    if (this.recording) this.operations.push({ number, kind, path, ...more });
    this.#expectPower(path, kind, number);
  }

  #expectPower(path: string, operation: string, number: number): void {
    if (number >= this.faults.powerOffAt) throw new DiskError("io", path, operation, "power off");
  }

  #file(path: string, operation: string): SimInode {
    const node = this.#nodes.get(normal(path));
    if (node instanceof SimInode) return node;
    const code: DiskErrorCode = node === undefined ? "missing" : "io";
    throw new DiskError(code, path, operation, node ?? "no such file");
  }

  #expectParent(path: string, operation: string): void {
    const parent = parents(normal(path)).at(-1);
    if (parent === undefined || this.#nodes.get(parent) === "directory") return;
    throw new DiskError("missing", path, operation, "no such directory");
  }

  #change(names: [string, Node | undefined][]): void {
    const normalised = names.map(([path, node]) => [normal(path), node] as const);
    const folder = folderOf(normalised.at(-1)?.[0] ?? "");
    const change = { names: new Map(normalised), folder };
    applyChange(this.#nodes, change);
    this.#changes.push(change);
  }
}

function applyChange(names: Map<string, Node>, change: NameChange): void {
  for (const [path, node] of change.names) {
    if (node === undefined) names.delete(path);
    else names.set(path, node);
  }
}

/**
 * The changes that a sync of a directory makes durable: those of its names, and, since a name's
 * changes keep their order, those that came before on any other name that they touch.
 */
function coveredBy(changes: NameChange[], folder: string): NameChange[] {
  const names = new Set<string>();
  const covered = changes.toReversed().filter((change) => {
    const touched = [...change.names.keys()];
    if (change.folder !== folder && !touched.some((path) => names.has(path))) return false;
    for (const path of touched) names.add(path);
    return true;
  });
  return covered.reverse();
}

/** One spelling per path: neither a leading nor a trailing slash, no `.`; the root is empty. */
function normal(path: string): string {
  return path.split("/").filter((part) => part !== "" && part !== ".").join("/");
}

function parents(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}

function folderOf(path: string): string {
  return parents(path).at(-1) ?? "";
}
