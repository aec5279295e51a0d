/**
 * The TlsNetwork port. What it needs for listening is loaded by whoever listens: commands, and
 * nodes without TLS, do without the memory and the time.
 */

import { err, type TlsNetwork } from "../base/mod.ts";
import { checkAuthorities, checkPair } from "./tls_credentials.ts";

export const tlsNetwork: TlsNetwork = {
  check: ({ certificate, privateKey, clientAuthorities }) => {
    const fault = clientAuthorities === undefined ? null : checkAuthorities(clientAuthorities);
    return fault === null
      ? checkPair(certificate, privateKey)
      : err(`the authority of clients: ${fault}`);
  },
  listen: async (address, options) => {
    const { listenForClients } = await import("./tls_listener.ts");
    return await listenForClients(address, options);
  },
};
