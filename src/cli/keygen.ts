/**
 * `keva keygen`: a key for a node, and what is wrong with one.
 */

import { Command } from "@commander-js/extra-typings";
import { DiskError, printableText, utf8 } from "../base/mod.ts";
import {
  fingerprint,
  isComment,
  parsePrivateKey,
  PRIVATE_KEY_BYTES_MAX,
  privateKeyPem,
  type PublicKey,
  publicKeyLine,
} from "../keys/mod.ts";
import type { Context } from "./context.ts";
import { CommandError, usageError } from "./error.ts";

const EPILOGUE = `
The private key goes into DIR/node.key, which only its owner can read (mode 0600); an existing one
is never overwritten. The line for others, which is no secret, is printed. A key that
"ssh-keygen -t ed25519" made without a passphrase serves as well, under the same name.

This version makes and checks keys, and its nodes do not ask for them yet.

Examples:
  keva keygen --out /var/lib/keva --comment host1
  keva keygen --check --out /var/lib/keva`;

const FILE_NAME = "node.key";
const SEED_BYTES = 32;
/** Read or write for anybody but the owner. */
const OPEN_TO_OTHERS = 0o077;

export function keygenCommand(context: Context) {
  return new Command("keygen")
    .summary("make the key by which other nodes know a node")
    .description("Makes an Ed25519 key for a node, or checks one that is there.")
    .option("-o, --out <dir>", "the directory of the key; created when it is missing", ".")
    .option(
      "-c, --comment <name>",
      "stands behind the key: the node's identity (default: host name)",
    )
    .option("--check", "say what is there and whether a node could use it, and change nothing")
    .addHelpText("after", EPILOGUE)
    .action(async ({ out, comment = context.hostname(), check }) => {
      if (!isComment(comment)) {
        throw usageError("--comment is not one line of visible characters, at most 255 of them");
      }
      const path = `${out}/${FILE_NAME}`;
      const key = check ? checked(context, path, comment) : await made(context, out, comment);
      const { stdout, stderr, ports } = context;
      stdout.write(`${publicKeyLine(key)}\n`);
      const print = fingerprint(ports.hash, key);
      stderr.write(`${check ? `${path} is sound` : `the private key is in ${path}`}: ${print}\n`);
    });
}

async function made(context: Context, directory: string, comment: string): Promise<PublicKey> {
  const { disk, random, ed25519 } = context.ports;
  const path = `${directory}/${FILE_NAME}`;
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
  return { bytes: ed25519.publicKey(pem), comment };
}

/** Fails with what keeps a node from using the key. */
function checked(context: Context, path: string, comment: string): PublicKey {
  const { disk, ed25519 } = context.ports;
  try {
    const { mode, isOwn } = disk.permissions(path);
    if (!isOwn) throw new CommandError(`${path} belongs to another user: a node would refuse it`);
    if ((mode & OPEN_TO_OTHERS) !== 0) {
      throw new CommandError(
        `${path} has mode ${octal(mode)}, so others can use it, and a node would refuse it; ` +
          `run "chmod 600 ${printableText(path)}" if nobody has`,
      );
    }
    const seed = parsePrivateKey(new TextDecoder().decode(disk.read(path, PRIVATE_KEY_BYTES_MAX)));
    if (!seed.ok) throw new CommandError(`${path} is no key for a node: ${seed.error}`);
    return { bytes: ed25519.publicKey(privateKeyPem(seed.value)), comment };
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    if (error.code === "missing") {
      throw new CommandError(`there is no ${path}; "keva keygen" makes one`);
    }
    throw new CommandError(`cannot read ${path}: ${error.reason}`);
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
