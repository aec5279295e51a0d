/**
 * The SecureNetwork port. TLS and certificates are loaded by whoever has a key: commands, and nodes
 * without keys, do without their memory and their part of the start.
 */

import type { SecureNetwork } from "../base/mod.ts";

export const secureNetwork: SecureNetwork = {
  as: (privateKeyPem) => {
    const endpoint = import("./tls_endpoint.ts").then(({ TlsEndpoint }) =>
      new TlsEndpoint(privateKeyPem)
    );
    return {
      listen: async (address, options) => (await endpoint).listen(address, options),
      use: async (pem) => (await endpoint).use(pem),
      dial: async (address, timeoutMs, key) => (await endpoint).dial(address, timeoutMs, key),
    };
  },
};
