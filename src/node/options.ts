/**
 * What a node is built from.
 */

import type {
  Address,
  Clock,
  Disk,
  Hash,
  Log,
  Network,
  Process,
  Random,
  SecureEndpoint,
} from "../base/mod.ts";
import type { KvState } from "../kv/mod.ts";
import type { Authorised, Links } from "../peers/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import type { DataDirectory } from "../storage/mod.ts";

export type Ports = {
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: Hash;
  readonly disk: Disk;
  readonly network: Network;
  readonly process: Process;
  readonly log: Log;
};

export type NodeMember = {
  readonly id: NodeId;
  /** Where its links listen, and where its clients do, as `host:port`. */
  readonly peer: string;
  readonly client: string;
  readonly peerAddress: Address;
};

export type NodeOptions = {
  readonly ports: Ports;
  readonly self: NodeId;
  readonly version: string;
  readonly clusterName: string;
  /** All nodes of the configuration, this one included: the voters of a new cluster. */
  readonly members: readonly NodeMember[];
  /**
   * What makes links keyed: this node's own key, and those by which the others are known. Absent:
   * links are not authenticated.
   */
  readonly keys?: { readonly endpoint: SecureEndpoint; readonly authorised: Authorised };
  /** The data directory. */
  readonly directory: string;
  readonly timing: { readonly electionTimeoutMs: number; readonly heartbeatIntervalMs: number };
  readonly storage: {
    readonly segmentBytes: number;
    readonly snapshotBytes: number;
    readonly snapshotEntries: number;
  };
  /** The node has stopped by itself, for this reason; its process must end. */
  readonly onHalt: (reason: string) => void;
};

/** What is open by the time a node can exist. */
export type Started = {
  readonly directory: DataDirectory;
  readonly links: Links;
  readonly kv: KvState;
};
