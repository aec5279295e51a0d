/**
 * The identity file: who this data directory is, and how often it has been started. One frame,
 * replaced as a whole; its sequence is the boot counter.
 */

import { decode, type Disk, err, type Hash, ok, type Result } from "../base/mod.ts";
import { attempt, type StorageError, storageError } from "./errors.ts";
import { FORMAT_VERSION, type FrameWriter, parseFrame } from "./frame.ts";
import { type Owner, readOwner, writeDurably, writeOwner } from "./segment.ts";
import type { Identity } from "./types.ts";

const SEED = 0;
const IDENTITY_BYTES_MAX = 4096;

export function identityPath(directory: string): string {
  return `${directory}/identity`;
}

/** Throws DiskError. */
export async function writeIdentity(
  disk: Disk,
  frame: FrameWriter,
  identity: { path: string; owner: Owner; boot: number },
): Promise<void> {
  writeOwner(frame.begin(), identity.owner);
  const place = { kind: "identity", previous: 0, offset: 0, seed: SEED } as const;
  const { bytes } = frame.seal({ ...place, sequence: identity.boot });
  await writeDurably(disk, identity.path, bytes);
}

/** Undefined when there is none. */
export function readIdentity(
  disk: Disk,
  hash: Hash,
  path: string,
): Result<Identity | undefined, StorageError> {
  const bytes = attempt(() => disk.read(path, IDENTITY_BYTES_MAX));
  if (!bytes.ok) return bytes.error.code === "missing" ? ok(undefined) : bytes;
  return parseIdentity(bytes.value, hash, path);
}

function parseIdentity(
  bytes: Uint8Array,
  hash: Hash,
  path: string,
): Result<Identity, StorageError> {
  const parsed = parseFrame(bytes, 0, { hash, seed: SEED });
  if (parsed.state === "newer") {
    const reason = `it has format version ${parsed.header?.version}, known is ${FORMAT_VERSION}`;
    return err(storageError("version", path, reason, 0));
  }
  const damaged = err(storageError("corrupt", path, "it does not match its check", 0));
  if (parsed.state !== "sound") return damaged;
  const { header, payload, endOffset } = parsed.frame;
  const owner = decode(payload, readOwner);
  if (header.kind !== "identity" || endOffset !== bytes.length || !owner.ok) return damaged;
  return ok({ ...owner.value, formatVersion: header.version, boot: header.sequence });
}
