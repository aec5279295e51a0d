/**
 * The certificate that a node shows its clients, and what goes with it, in their files.
 */

import {
  DiskError,
  err,
  type Expiry,
  fromUtf8,
  ok,
  type Result,
  type TlsCredentials,
} from "../base/mod.ts";
import type { TlsConfig } from "../config/mod.ts";
import type { Context } from "./context.ts";
import { CommandError } from "./error.ts";
import { assertPrivate } from "./key_file.ts";

/** What a node that speaks TLS is started with. */
export type TlsInFiles = {
  readonly credentials: TlsCredentials;
  /** Only what can be used, or what is wrong. */
  readonly source: () => Result<TlsCredentials, string>;
  /** Files whose change means that all of this is to be read anew. */
  readonly files: readonly string[];
};

const PEM_BYTES_MAX = 256 * 1024;

/** Throws {@link CommandError} with what keeps a node from serving by TLS. */
export function nodeTls(context: Context, config: TlsConfig): TlsInFiles {
  const { credentials } = readCredentials(context, config);
  const { certificate, privateKey, clientCa } = config;
  return {
    credentials,
    source: () => {
      try {
        return ok(readCredentials(context, config).credentials);
      } catch (error) {
        if (error instanceof CommandError) return err(error.message);
        throw error;
      }
    },
    files: [certificate, privateKey, ...clientCa === undefined ? [] : [clientCa]],
  };
}

/** Throws {@link CommandError}. */
export function readCredentials(
  context: Context,
  config: TlsConfig,
): { readonly credentials: TlsCredentials; readonly expiry: Expiry } {
  const { certificate, privateKey, clientCa } = config;
  const credentials: TlsCredentials = {
    certificate: readPem(context, certificate),
    privateKey: readPem(context, privateKey, { isPrivate: true }),
    ...clientCa !== undefined && { clientAuthorities: readPem(context, clientCa) },
  };
  const checked = context.ports.tlsNetwork.check(credentials);
  if (checked.ok) return { credentials, expiry: checked.value };
  const paths = [certificate, privateKey, ...clientCa === undefined ? [] : [clientCa]];
  throw new CommandError(`no TLS by ${paths.join(", ")}: ${checked.error}`);
}

/** Throws {@link CommandError}. */
export function readPem(context: Context, path: string, { isPrivate = false } = {}): string {
  try {
    if (isPrivate) assertPrivate(context, path);
    const text = fromUtf8(context.ports.disk.read(path, PEM_BYTES_MAX));
    if (text.ok) return text.value;
    throw new CommandError(`${path} is no text in the form of PEM`);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    throw new CommandError(`cannot read ${path}: ${error.reason}`);
  }
}
