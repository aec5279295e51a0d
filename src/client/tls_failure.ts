/**
 * Why two sides did not come to an understanding by TLS.
 */

import { type Endpoint, textOf } from "./endpoint.ts";

type Sentences = { readonly message: string; readonly next: string };

export type TlsFailure = Sentences & {
  /** True: whatever the other side is, it has read nothing of the request. */
  readonly isBefore: boolean;
};

/** Those that nobody sends once a handshake is done: others can come from a connection in use. */
const HANDSHAKE_ALERT =
  /fatal alert: (HandshakeFailure|\w*Certificate\w*|UnknownCA|AccessDenied|ProtocolVersion|NoApplicationProtocol)/;

/** What runtimes say; Deno in the message, Node in the code of the cause. */
const FAILURES: readonly [says: RegExp, means: (where: string) => Sentences][] = [
  [/UnknownIssuer|UNABLE_TO_VERIFY_LEAF|UNABLE_TO_GET_ISSUER|SELF_SIGNED_CERT/, (where) => ({
    message: `no authority that is trusted here vouches for the certificate of ${where}`,
    next:
      "Name the authority of the cluster: keva takes its certificate by --cacert or KEVA_CACERT.",
  })],
  [/not valid for (any )?name|NotValidForName|ALTNAME_INVALID/, (where) => ({
    message: `the certificate of ${where} is for other names than this one`,
    next: "Ask for the node by a name or address that its certificate has.",
  })],
  [/certificate: (certificate )?expired|CERT_HAS_EXPIRED/i, (where) => ({
    message: `the certificate of ${where} has expired`,
    next: "Renew it on the node, or set this machine's clock.",
  })],
  [/NotValidYet|not valid yet|CERT_NOT_YET_VALID/, (where) => ({
    message: `the certificate of ${where} does not count yet`,
    next: "Set this machine's clock.",
  })],
  [/CertificateRequired|CERTIFICATE_REQUIRED/, (where) => ({
    message: `${where} lets nobody in without a certificate`,
    next: "Show one: keva takes it by --cert and --key, or KEVA_CERT and KEVA_KEY.",
  })],
  [/invalid peer certificate/, (where) => ({
    message: `the certificate of ${where} is not one for a server`,
    next: "Give the node one that names it, and that is no authority's own.",
  })],
  [HANDSHAKE_ALERT, (where) => ({
    message: `${where} broke the TLS handshake off`,
    next:
      "Check that it takes the certificate that is shown to it; its log says more at level debug.",
  })],
];

/** No TLS came back: at once, or on a connection in use, which somebody then has meddled with. */
const NO_TLS = /InvalidContentType|WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/;
const CONNECTING = /client error \(Connect\)/;
/**
 * In place of an answer, the first bytes of TLS. Nobody who can forge them needs to: in clear, a
 * refusal can be forged as well.
 */
const NO_HTTP = /invalid HTTP version parsed|HPE_INVALID_CONSTANT/;

/** Null: it was something else. */
export function tlsFailure(endpoint: Endpoint, failure: unknown): TlsFailure | null {
  if (!(failure instanceof TypeError)) return null;
  const { cause } = failure as { cause?: { code?: unknown } };
  const text = `${failure.message} ${cause?.code ?? ""}`;
  const where = textOf(endpoint);
  if (endpoint.scheme === "http") {
    if (!NO_HTTP.test(text)) return null;
    const message = `${where} does not speak plain HTTP`;
    return { message, next: `Write https://${where}.`, isBefore: true };
  }
  if (NO_TLS.test(text)) {
    const message = `${where} does not speak TLS`;
    const next = `Write http://${where}, unless somebody stands in between.`;
    return { message, next, isBefore: CONNECTING.test(text) };
  }
  const sentences = FAILURES.find(([says]) => says.test(text))?.[1](where);
  return sentences === undefined ? null : { ...sentences, isBefore: true };
}

/** A broken connection by TLS has one reason more than others, of which nobody tells. */
export function tlsHint({ scheme }: Endpoint): string {
  return scheme === "https"
    ? ", as when the node does not accept the certificate that is shown to it"
    : "";
}
