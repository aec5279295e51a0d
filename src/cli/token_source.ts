/**
 * The token that a command shows to the nodes.
 */

import { DiskError, fromUtf8, Secret } from "../base/mod.ts";
import type { Context } from "./context.ts";
import { CommandError, usageError } from "./error.ts";

export type TokenOptions = {
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
};

const FILE_BYTES_MAX = 4096;

/** In order: the flags, the variables; undefined when there is none. */
export function givenToken(context: Context, options: TokenOptions): Secret | undefined {
  const { token, tokenFile } = options;
  if (token !== undefined && tokenFile !== undefined) {
    throw usageError("give --token or --token-file, not both");
  }
  if (token !== undefined) return checked("--token", token);
  if (tokenFile !== undefined) return fromFile(context, tokenFile);
  const { KEVA_TOKEN, KEVA_TOKEN_FILE } = context.env;
  if (KEVA_TOKEN !== undefined) return checked("KEVA_TOKEN", KEVA_TOKEN);
  return KEVA_TOKEN_FILE === undefined ? undefined : fromFile(context, KEVA_TOKEN_FILE);
}

function fromFile(context: Context, path: string): Secret {
  try {
    const text = fromUtf8(context.ports.disk.read(path, FILE_BYTES_MAX));
    return checked(path, text.ok ? text.value : "");
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    throw new CommandError(`cannot read the token in ${path}: ${error.reason}`);
  }
}

/** It goes into a header field, where a line break would begin another one. */
function checked(source: string, given: string): Secret {
  const text = given.trim();
  if (/^[\x21-\x7e]+$/.test(text)) return new Secret(text);
  throw new CommandError(`${source} holds no token: it must be one word of visible ASCII`);
}
