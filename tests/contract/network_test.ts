/** The real Network and the one in memory against the suite that the simulated one passes too. */

import { MemoryNetwork } from "../../src/memory/mod.ts";
import { network, systemClock } from "../../src/platform/mod.ts";
import { networkSuite } from "./network_suite.ts";

networkSuite("network", () => ({
  network,
  local: { host: "127.0.0.1", port: 0 },
  nowhere: { host: "192.0.2.1", port: 9 }, // TEST-NET-1: routed to nobody
  pass: (promise) => promise,
  halfClose: true,
}));

networkSuite("MemoryNetwork", () => ({
  network: new MemoryNetwork(systemClock()).at("host1"),
  local: { host: "host1", port: 0 },
  nowhere: { host: "host2", port: 9 },
  pass: (promise) => promise,
  halfClose: true,
}));
