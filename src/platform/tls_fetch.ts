/**
 * `fetch` by TLS for those who trust certain authorities, and maybe have a certificate of their own.
 */

import { err, ok, type Result, type TlsTrust } from "../base/mod.ts";
import { checkAuthorities, checkPair } from "./tls_credentials.ts";

/** An error says what is wrong with which of them. */
export function tlsFetch({ authorities, own }: TlsTrust): Result<typeof fetch, string> {
  const fault = authorities === undefined ? null : checkAuthorities(authorities);
  if (fault !== null) return err(`the authority: ${fault}`);
  const pair = own && checkPair(own.certificate, own.privateKey);
  if (pair?.ok === false) return err(`the certificate of this client: ${pair.error}`);
  const client = Deno.createHttpClient({
    caCerts: authorities === undefined ? [] : [authorities],
    ...own && { cert: own.certificate, key: own.privateKey },
  });
  return ok((input, init) => fetch(input, { ...init, client }));
}
