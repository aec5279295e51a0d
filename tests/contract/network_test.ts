/** The real Network against the suite that the simulated one passes too. */

import { network } from "../../src/platform/mod.ts";
import { networkSuite } from "./network_suite.ts";

networkSuite("network", () => ({
  network,
  local: { host: "127.0.0.1", port: 0 },
  nowhere: { host: "192.0.2.1", port: 9 }, // TEST-NET-1: routed to nobody
  pass: (promise) => promise,
  halfClose: true,
}));
