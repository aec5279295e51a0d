/**
 * `keva keygen`: a key for a node, and what is wrong with one.
 */

import { Command } from "@commander-js/extra-typings";
import { fingerprint, isComment, publicKeyLine } from "../keys/mod.ts";
import type { Context } from "./context.ts";
import { usageError } from "./error.ts";
import { KEY_FILE, makeKey, readKey } from "./key_file.ts";

const EPILOGUE = `
The private key goes into DIR/node.key, which only its owner can read (mode 0600); an existing one
is never overwritten. The line for others, which is no secret, is printed. A key that
"ssh-keygen -t ed25519" made without a passphrase serves as well, under the same name.

A node whose cluster has keys makes its own when it starts without one. The printed line goes into
the configuration of all nodes: into [[node]] public_key, or into the file of authorized_keys.

Examples:
  keva keygen --out /var/lib/keva --comment host1
  keva keygen --check --out /var/lib/keva`;

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
      const path = `${out}/${KEY_FILE}`;
      const pair = check ? readKey(context, path) : await makeKey(context, out, path);
      const key = { bytes: pair.key, comment };
      const { stdout, stderr, ports } = context;
      stdout.write(`${publicKeyLine(key)}\n`);
      const print = fingerprint(ports.hash, key);
      stderr.write(`${check ? `${path} is sound` : `the private key is in ${path}`}: ${print}\n`);
    });
}
