/**
 * The keys of nodes in their files: this node's own, and those by which it knows the others.
 */

import {
  bytesEqual,
  DiskError,
  err,
  fromUtf8,
  ok,
  printableText,
  type Result,
} from "../base/mod.ts";
import { type ClusterConfig, type Config, isKeyed } from "../config/mod.ts";
import { AUTHORISED_KEYS_BYTES_MAX, parseAuthorisedKeys, publicKeyLine } from "../keys/mod.ts";
import type { NodeKey, NodeKeys } from "../service/mod.ts";
import { type ConfigChoice, configPath, readConfig } from "./config_file.ts";
import type { Context } from "./context.ts";
import { CommandError } from "./error.ts";
import { KEY_FILE, makeKey, readKey } from "./key_file.ts";

/** What a node that has keys is started with. */
export type KeysInFiles = NodeKeys & {
  /** Files whose change means that the keys are to be read anew. */
  readonly files: readonly string[];
};

/**
 * Undefined where nodes have no keys. Where they have, and this one has none yet, makes it. Throws
 * {@link CommandError}.
 */
export async function nodeKeys(
  context: Context,
  config: Config,
  choice: ConfigChoice,
): Promise<KeysInFiles | undefined> {
  if (!isKeyed(config)) return undefined;
  const { identity } = config.self;
  const path = config.keys.privateKey ?? `${config.workingDirectory}/${KEY_FILE}`;
  const isNew = !context.ports.disk.exists(path);
  const { pem, key } = isNew
    ? await makeKey(context, directoryOf(path), path)
    : readKey(context, path);
  const own = (bytes: Uint8Array) => ({ bytes, comment: identity });
  if (isNew) {
    context.stderr.write(
      `keva: made the key of ${identity} in ${path}; the others know it by this line:\n` +
        `keva: ${publicKeyLine(own(key))}\n`,
    );
  }
  return {
    privateKeyPem: pem,
    own: own(key),
    ownSource: () =>
      attempt(() => {
        const { pem, key } = readKey(context, path);
        return ok({ privateKeyPem: pem, own: own(key) });
      }),
    source: () => attempt(() => authorisedKeys(context, readConfig(context, choice).config)),
    files: [configPath(context, choice), ...authorisedFiles(config), path],
  };
}

function directoryOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) || "/" : ".";
}

function attempt<T>(read: () => Result<T, string>): Result<T, string> {
  try {
    return read();
  } catch (error) {
    if (error instanceof CommandError) return err(error.message);
    throw error;
  }
}

function authorisedFiles({ keys }: ClusterConfig): string[] {
  return keys.authorizedKeys === undefined ? [] : [keys.authorizedKeys];
}

/** Those of the configuration and those of the file that it names. */
function authorisedKeys(context: Context, config: ClusterConfig): Result<NodeKey[], string> {
  const keys: NodeKey[] = config.nodes.flatMap(({ identity, publicKeys }) =>
    publicKeys.map((key) => ({ node: identity, key }))
  );
  for (const path of authorisedFiles(config)) {
    const text = readText(context, path);
    if (!text.ok) return text;
    const parsed = parseAuthorisedKeys(text.value);
    if (!parsed.ok) {
      return err(parsed.error.map(({ line, reason }) => `${path}:${line}: ${reason}`).join("\n"));
    }
    for (const { node, key, line } of parsed.value) {
      const known = keys.find((one) => bytesEqual(one.key.bytes, key.bytes));
      if (known === undefined) keys.push({ node, key });
      else if (known.node !== node) {
        return err(`${path}:${line}: the key is that of ${printableText(known.node)} already`);
      }
    }
  }
  return ok(keys);
}

function readText({ ports: { disk } }: Context, path: string): Result<string, string> {
  try {
    const text = fromUtf8(disk.read(path, AUTHORISED_KEYS_BYTES_MAX));
    return text.ok ? text : err(`${path}: it is not UTF-8 text`);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return err(
      error.code === "missing"
        ? `${path}: there is no such file; keys.authorized_keys names it, and it may be empty`
        : `${path}: it cannot be read: ${error.reason}`,
    );
  }
}
