/**
 * The ports: every way in which Keva touches the world outside its own memory. `src/platform`
 * implements them for real, the tests simulate them; one contract suite per port keeps both honest.
 * Nothing above this folder may reach time, randomness, disk or network any other way, which is
 * what makes a run replayable from a seed.
 */

import type { Result } from "./result.ts";

/** A running timer. `cancel` is idempotent; a cancelled timer never fires. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since an arbitrary start; never decreases. For durations and deadlines. */
  now(): number;
  /** Milliseconds since 1970, as the operating system believes. May jump in either direction. */
  wallTime(): number;
  after(delayMs: number, run: () => void): Timer;
  /**
   * Runs every `intervalMs`. After a pause the missed runs are not made up for: time in which the
   * process did not run is time in which it heard nobody, and a burst of ticks would misread that.
   */
  every(intervalMs: number, run: () => void): Timer;
  /** Runs once the input that has already arrived has been handled: the end of this loop turn. */
  soon(run: () => void): void;
  /** Resolves in a later loop turn, so that a long computation lets input and output through. */
  yield(): Promise<void>;
}

/** In production, one that nobody can predict: secrets come from it. */
export interface Random {
  /** A uniform integer in [0, bound). `bound` is at most 2^32. */
  below(bound: number): number;
  bytes(length: number): Uint8Array;
}

/** One-line structured logging. Values of keys are escaped; stored values are never logged. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A log whose lines all carry `fields`. */
  with(fields: LogFields): Log;
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Hash {
  /** CRC-32 (IEEE) of `bytes`, continued from `seed`. */
  crc32(bytes: Uint8Array, seed?: number): number;
  sha256(bytes: Uint8Array): Uint8Array;
  /**
   * 32 bits for tables whose keys strangers choose: by a secret of this process, so that nobody can
   * find keys that fall together. Another number for the same bytes in each process.
   */
  keyed(bytes: Uint8Array): number;
  /** In a time that depends on their lengths alone: for what somebody could otherwise guess. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
}

/** Signatures by Ed25519 (RFC 8032). */
export interface Ed25519 {
  /** The 32 bytes of the public key that goes with a private one, in PKCS#8 as PEM. */
  publicKey(privateKeyPem: string): Uint8Array;
}

/** What this process takes from its machine, since its start or at this moment. */
export type ProcessUsage = {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** Undefined where the system does not tell. */
  readonly openFiles: number | undefined;
};

export interface Process {
  /** Takes some system calls. */
  usage(): ProcessUsage;
  /**
   * How many more files and sockets it may open, counted up to `enough`. Tries it, so only for the
   * start, when nobody else is about to open any.
   */
  spareFiles(enough: number): number;
}

// --- Disk -------------------------------------------------------------------------------------

export type DiskErrorCode = "missing" | "exists" | "full" | "denied" | "busy" | "io";

/** What a Disk call throws. `full` means no byte more could be stored (ENOSPC, EDQUOT). */
export class DiskError extends Error {
  override readonly name = "DiskError";
  constructor(
    readonly code: DiskErrorCode,
    readonly path: string,
    readonly operation: string,
    readonly reason: string,
  ) {
    super(`${operation} ${path}: ${reason}`);
  }
}

export type OpenMode = "read" | "write" | "create";

/**
 * Files and directories. Reads and writes are synchronous: they move bytes to or from the page
 * cache. Only what waits for the device is asynchronous. Paths use `/`; new files get mode 0600,
 * new directories 0700. Every method may throw {@link DiskError}.
 *
 * Durability duties of an implementation: written bytes survive a crash only after `sync` of their
 * file has resolved; a created, renamed or removed name only after `syncDirectory` of its directory.
 */
export interface Disk {
  /** `read`: must exist. `write`: must exist, opened for both. `create`: must not exist. */
  open(path: string, mode: OpenMode): DiskFile;
  /** Whole content of a small file (identity, configuration). */
  read(path: string, sizeBytesMax: number): Uint8Array;
  /** Names in a directory, sorted; empty when the directory is missing. */
  list(path: string): string[];
  exists(path: string): boolean;
  /** The nine bits of who may do what with it, and whether it is owned by this process's user. */
  permissions(path: string): { readonly mode: number; readonly isOwn: boolean };
  /** Creates the directory and its parents; no error when it is there. */
  makeDirectory(path: string): void;
  /** Atomically replaces `to`. */
  rename(from: string, to: string): void;
  /** No error when the file is missing. */
  remove(path: string): void;
  syncDirectory(path: string): Promise<void>;
  /** Takes the exclusive lock on `path` (created when missing), or `busy` when another holds it. */
  lock(path: string): Result<DiskLock, DiskError>;
  /** Bytes that can still be written to the file system that holds `path`. */
  freeBytes(path: string): number;
}

export interface DiskFile {
  readonly path: string;
  /** Fills `buffer` from `offset`; returns the bytes read, fewer only at the end of the file. */
  readAt(offset: number, buffer: Uint8Array): number;
  /**
   * Writes all of `bytes`, or throws; after a throw any prefix of them may be in the file.
   * A short write of the operating system is continued, never counted as done.
   */
  writeAt(offset: number, bytes: Uint8Array): void;
  size(): number;
  truncate(sizeBytes: number): void;
  /** Resolves once all that was written before the call is on the device. Never retry a failure. */
  sync(): Promise<void>;
  close(): void;
}

/** Held until the process ends or `release` is called. */
export interface DiskLock {
  release(): void;
}

// --- Network ----------------------------------------------------------------------------------

export type Address = { readonly host: string; readonly port: number };

/** What Network calls reject with. `inUse` only from `listen`. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
  constructor(
    readonly code: "refused" | "timeout" | "reset" | "inUse" | "denied" | "unreachable" | "other",
    readonly reason: string,
  ) {
    super(reason);
  }
}

/** A byte stream in both directions. */
export interface Connection {
  /** Where the other side is, for logs and per-address limits. */
  readonly remote: Address;
  /**
   * The common name of the certificate that the other side has proven: empty when it has none, or
   * more than one. Absent when it showed no certificate.
   */
  readonly certified?: string | undefined;
  /** Reads into `buffer`: the number of bytes, or null at the end of the stream. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Resolves when all bytes were handed to the operating system. One write at a time. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the stream to the other side; what it still sends can be read. */
  closeWrite(): Promise<void>;
  /** Idempotent. Pending reads and writes reject or end. */
  close(): void;
}

export interface Listener {
  /** The bound address: with the real port when 0 was asked for. */
  readonly address: Address;
  /** Stops accepting. Connections already accepted stay. */
  close(): void;
}

export interface Network {
  listen(address: Address, accept: (connection: Connection) => void): Promise<Listener>;
  /** Rejects with {@link NetworkError} after `timeoutMs` at the latest. */
  dial(address: Address, timeoutMs: number): Promise<Connection>;
}

// --- TLS for everybody ------------------------------------------------------------------------

/** Listens by TLS 1.3, for clients that trust an authority. */
export interface TlsNetwork {
  /** Until when the certificate counts, or what keeps it all from being used. */
  check(credentials: TlsCredentials): Result<Expiry, string>;
  /** The credentials have to be ones that `check` finds no fault with. */
  listen(address: Address, options: TlsListenOptions): Promise<TlsListener>;
}

/** All of them as PEM. */
export type TlsCredentials = {
  /** The certificate that is shown, and below it those between it and its authority. */
  readonly certificate: string;
  readonly privateKey: string;
  /** Whose certificates of clients count. Absent: clients are not asked for any. */
  readonly clientAuthorities?: string | undefined;
};

/** What a client goes by. */
export type TlsTrust = {
  /** Who may vouch for the other side, as PEM. */
  readonly authorities?: string | undefined;
  /** What it shows of itself, if it is asked. */
  readonly own?: Pick<TlsCredentials, "certificate" | "privateKey"> | undefined;
};

export type Expiry = {
  /** In milliseconds since 1970. */
  readonly atMs: number;
  /** The same in ISO 8601. */
  readonly text: string;
};

export type TlsListenOptions = {
  readonly credentials: TlsCredentials;
  /** Whether clients without a certificate are turned away, if any are asked for one. */
  readonly clientsCertified: boolean;
  readonly accept: (connection: Connection) => void;
  /** Called for each that TLS or a cap on unfinished handshakes has turned away. */
  readonly refused: (remote: Address, reason: string) => void;
};

export interface TlsListener extends Listener {
  /**
   * For handshakes that begin from now on. Connections that are open already stay open, but for
   * those of clients with a certificate when an authority of clients is missing that was there.
   */
  use(credentials: TlsCredentials): void;
}

// --- Links between holders of keys ------------------------------------------------------------

/** An Ed25519 public key: 32 bytes. */
export type PublicKeyBytes = Uint8Array;

/** Connections that are encrypted, and on which both sides prove that they hold a private key. */
export interface SecureNetwork {
  /** For the holder of `privateKeyPem` (Ed25519, PKCS#8). */
  as(privateKeyPem: string): SecureEndpoint;
}

export interface SecureEndpoint {
  /**
   * Lets in those who hold the private half of a trusted key, which `accept` is told. Of everybody
   * else nothing but the failed proof is read; `refused` says whom, at which address, and why.
   * Strangers cannot hold more than a few connections, nor any of them for long.
   */
  listen(address: Address, options: SecureListenOptions): Promise<SecureListener>;
  /**
   * Rejects unless the other side holds the private half of `key`, with the code `denied` when it
   * holds another one; else as `Network.dial`. On a connection of either side `closeWrite` ends both
   * directions.
   */
  dial(address: Address, timeoutMs: number, key: PublicKeyBytes): Promise<Connection>;
  /**
   * From when it resolves on, whoever dials or is dialed here proves this key. Connections that are
   * open already stay open.
   */
  use(privateKeyPem: string): Promise<void>;
}

export type SecureListenOptions = {
  readonly trusted: readonly PublicKeyBytes[];
  readonly accept: (connection: Connection, key: PublicKeyBytes) => void;
  readonly refused: (remote: Address, reason: string) => void;
};

export interface SecureListener extends Listener {
  /** From now on only these are trusted. Connections that are open already stay open. */
  trust(keys: readonly PublicKeyBytes[]): void;
}
