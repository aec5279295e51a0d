/**
 * Whom a command trusts by TLS, and by what it is known there.
 */

import type { Fetch } from "../client/mod.ts";
import type { Context } from "./context.ts";
import { CommandError, usageError } from "./error.ts";
import { readPem } from "./tls_files.ts";

export type TrustOptions = {
  readonly cacert?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
};

/** In order: the flags, the variables; undefined when nothing of it is given. */
export function givenTrust(context: Context, options: TrustOptions): Fetch | undefined {
  const { KEVA_CACERT, KEVA_CERT, KEVA_KEY } = context.env;
  const cacert = options.cacert ?? KEVA_CACERT;
  const [cert, key] = [options.cert ?? KEVA_CERT, options.key ?? KEVA_KEY];
  if ((cert === undefined) !== (key === undefined)) {
    throw usageError("a certificate goes with its private key: give both --cert and --key");
  }
  if (cacert === undefined && cert === undefined) return undefined;
  const trusting = context.tlsFetch({
    authorities: cacert === undefined ? undefined : readPem(context, cacert),
    own: cert === undefined || key === undefined
      ? undefined
      : { certificate: readPem(context, cert), privateKey: readPem(context, key) },
  });
  if (trusting.ok) return trusting.value;
  const paths = [cacert, cert, key].filter((path) => path !== undefined);
  throw new CommandError(`no TLS by ${paths.join(", ")}: ${trusting.error}`);
}
