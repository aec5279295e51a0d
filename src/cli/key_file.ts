/**
 * The file of a node's private key: made once, with mode 0600, and refused where others can read it.
 */

import { DiskError, printableText, utf8 } from "../base/mod.ts";
import { parsePrivateKey, PRIVATE_KEY_BYTES_MAX, privateKeyPem } from "../keys/mod.ts";
import type { Context } from "./context.ts";
import { CommandError } from "./error.ts";

export const KEY_FILE = "node.key";

const SEED_BYTES = 32;
/** Read or write for anybody but the owner. */
const OPEN_TO_OTHERS = 0o077;

export type KeyPair = {
  readonly pem: string;
  /** The 32 bytes of the public key. */
  readonly key: Uint8Array;
};

/** A new key in `directory`, durable when it resolves. */
export async function makeKey(context: Context, directory: string, path: string): Promise<KeyPair> {
  const { disk, random, ed25519 } = context.ports;
  const pem = privateKeyPem(random.bytes(SEED_BYTES));
  try {
    disk.makeDirectory(directory);
    const file = disk.open(path, "create");
    try {
      file.writeAt(0, utf8(pem));
      await file.sync();
    } finally {
      file.close();
    }
    await disk.syncDirectory(directory);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    if (error.code !== "exists") throw new CommandError(`cannot write ${path}: ${error.reason}`);
    throw new CommandError(
      `${path} exists already and is not overwritten; "keva keygen --check" tells what it holds`,
    );
  }
  return { pem, key: ed25519.publicKey(pem) };
}

/** Throws {@link CommandError} with what keeps a node from using the key at `path`. */
export function readKey(context: Context, path: string): KeyPair {
  const { disk, ed25519 } = context.ports;
  try {
    assertPrivate(context, path);
    const seed = parsePrivateKey(new TextDecoder().decode(disk.read(path, PRIVATE_KEY_BYTES_MAX)));
    if (!seed.ok) throw new CommandError(`${path} is no key for a node: ${seed.error}`);
    const pem = privateKeyPem(seed.value);
    return { pem, key: ed25519.publicKey(pem) };
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    if (error.code === "missing") {
      throw new CommandError(`there is no ${path}; "keva keygen" makes one`);
    }
    throw new CommandError(`cannot read ${path}: ${error.reason}`);
  }
}

/** Throws {@link CommandError} when others can read the file, and DiskError. */
export function assertPrivate({ ports: { disk } }: Context, path: string): void {
  const { mode, isOwn } = disk.permissions(path);
  if (!isOwn) throw new CommandError(`${path} belongs to another user: no node uses it`);
  if ((mode & OPEN_TO_OTHERS) === 0) return;
  throw new CommandError(
    `${path} has mode ${octal(mode)}, so others can use it, and no node does; ` +
      `run "chmod 600 ${printableText(path)}" if nobody has`,
  );
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
