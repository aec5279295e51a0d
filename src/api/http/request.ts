/**
 * A request as handlers see it: nothing of the connection, so that another front could carry it.
 *
 * It views the buffer in which it arrived, which the connection goes on to use. A handler therefore
 * takes what it needs before its first `await`; later look-ups are refused by an assertion.
 */
export interface Request {
  readonly method: string;
  /** From the path on, as it was sent: visible ASCII, still percent-encoded. */
  readonly target: Uint8Array;
  /** Stays as it is until the request is answered, then it may be overwritten. */
  readonly body: Uint8Array;
  /** The common name of a client certificate that the connection has proven, where it has. */
  readonly certified?: string | undefined;
  /** The value of the field `name`, given in lower case. */
  header(name: string): string | null;
}
