/**
 * The SecureNetwork port over a simulated network: both sides say which key they hold, and are
 * believed. What TLS proves is tested on TLS; here it is what nodes make of it.
 */

import {
  type Address,
  bytesEqual,
  type Connection,
  type Network,
  NetworkError,
  type PublicKeyBytes,
  type SecureEndpoint,
  type SecureListener,
} from "../../src/base/mod.ts";

const KEY_BYTES = 32;
export const UNPROVEN = "the handshake ended before it had proven a key that is authorised here";

export type SimEndpoint = SecureEndpoint & {
  /** What `use` does where keys have private halves. */
  readonly hold: (own: PublicKeyBytes) => void;
};

/** For the holder of `own`. */
export function simEndpoint(network: Network, own: PublicKeyBytes): SimEndpoint {
  return {
    hold: (key) => void (own = key),
    use: () => Promise.reject(new Error("here keys have no private half: hold() it is")),
    async listen(address, { trusted, accept, refused }): Promise<SecureListener> {
      let keys = trusted;
      const greet = async (connection: Connection): Promise<void> => {
        const key = await keyOf(connection);
        if (key !== null && keys.some((one) => bytesEqual(one, key))) {
          await connection.write(own);
          return accept(connection, key);
        }
        connection.close();
        refused(connection.remote, UNPROVEN);
      };
      const listener = await network.listen(address, (connection) => {
        void greet(connection).catch(() => refused(connection.remote, UNPROVEN));
      });
      return {
        address: listener.address,
        close: () => listener.close(),
        trust: (next) => void (keys = next),
      };
    },
    async dial(address: Address, timeoutMs: number, wanted): Promise<Connection> {
      const connection = await network.dial(address, timeoutMs);
      await connection.write(own);
      const key = await keyOf(connection);
      if (key !== null && bytesEqual(wanted, key)) return connection;
      connection.close();
      if (key === null) throw new NetworkError("reset", "the other side hung up");
      throw new NetworkError("denied", "it holds another key than the one that is authorised");
    },
  };
}

/** The 32 bytes that come first, or null when they do not come. */
async function keyOf(connection: Connection): Promise<PublicKeyBytes | null> {
  const key = new Uint8Array(KEY_BYTES);
  for (let at = 0; at < KEY_BYTES;) {
    const count = await connection.read(key.subarray(at));
    if (count === null) return null;
    at += count;
  }
  return key;
}
