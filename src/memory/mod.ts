/**
 * Layer 4: disk and network that exist only in this process.
 *
 * Duty: implement the Disk and Network ports in memory, for clusters in other people's tests.
 * Invariants: each passes the contract suite of its port; what one node has on its disk or says on
 * the network reaches nobody but through these ports.
 * May import: base.
 */

export { MemoryDisk } from "./disk.ts";
export { MemoryNetwork } from "./network.ts";
