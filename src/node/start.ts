/**
 * Brings a node up: opens and recovers its data directory, loads its newest snapshot, starts its
 * links, and joins them.
 */

import {
  assert,
  err,
  type Hash,
  type Log,
  NetworkError,
  ok,
  type Result,
  utf8,
} from "../base/mod.ts";
import { KvState } from "../kv/mod.ts";
import { KeyedTransport, Links, PlainTransport, type Transport } from "../peers/mod.ts";
import { decodeMembership, type Membership, type NodeId } from "../raft/mod.ts";
import { type DataDirectory, describeStorageError, openDataDirectory } from "../storage/mod.ts";
import { loadSnapshot } from "./applier.ts";
import { refuseMember } from "./members.ts";
import { Node } from "./node.ts";
import type { NodeMember, NodeOptions, Ports } from "./options.ts";

/** Why a node did not start: one sentence for a person, with the cure. */
export type StartError = { readonly reason: string };

/** Starts a node. Whatever it had taken hold of is given up again when it fails. */
export async function startNode(options: NodeOptions): Promise<Result<Node, StartError>> {
  const { ports } = options;
  // Storage and links report to a node that exists only once both are open.
  let node: Node | null = null;
  const cluster = clusterId(ports.hash, options.clusterName);
  const opened = await openDataDirectory({
    ...ports,
    path: options.directory,
    cluster,
    node: options.self,
    bootstrap: bootstrapMembership(options.members),
    settings: { segmentBytes: options.storage.segmentBytes },
    events: {
      onStored: (writes) => node?.onStored(writes),
      onFailure: (error) => node?.onStorageFailure(error),
      onFull: (error) => node?.onDiskFull(error),
      onSpace: () => node?.onDiskSpace(),
    },
  });
  if (!opened.ok) return err({ reason: describeStorageError(opened.error) });
  const directory = opened.value;
  logRecovery(ports.log, directory);
  const kv = await initialState(directory, ports);
  const mismatch = kv.ok ? membershipMismatch(directory, options.members) : kv.error;
  if (!kv.ok || mismatch !== null) {
    await directory.release();
    return err({ reason: mismatch ?? "" });
  }
  const recovered = latestMembership(directory);
  const links = new Links({
    ports,
    transport: transportOf(options),
    self: {
      id: options.self,
      cluster,
      directory: directory.identity.directory,
      boot: directory.identity.boot,
    },
    listen: memberOf(options, options.self).peerAddress,
    peers: new Map(
      options.members.filter(({ id }) => id !== options.self).map((
        { id, peerAddress },
      ) => [id, peerAddress]),
    ),
    refuse: (id, directory) => refuseMember(node?.membership ?? recovered, id, directory),
    onMessage: (from, message) => node?.onMessage(from, message),
    onUp: (peer) => node?.onPeerUp(peer),
    onDown: (peer) => node?.onPeerDown(peer),
  });
  try {
    await links.start();
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    await directory.release();
    return err({ reason: `cannot listen for the other nodes: ${error.reason}` });
  }
  node = new Node(options, { directory, links, kv: kv.value });
  return ok(node);
}

function transportOf({ ports, self, keys }: NodeOptions): Transport {
  return keys === undefined
    ? new PlainTransport(ports.network)
    : new KeyedTransport({ ...keys, self });
}

/** Nodes belong together when they were given the same cluster name. */
function clusterId(hash: Hash, name: string): Uint8Array {
  return hash.sha256(utf8(name)).slice(0, 16);
}

function bootstrapMembership(members: readonly NodeMember[]): Membership {
  const ids = members.map(({ id }) => id).sort();
  return { voters: ids.map((id) => ({ id, directory: "" })), learners: [] };
}

async function initialState(
  directory: DataDirectory,
  { hash, clock }: Ports,
): Promise<Result<KvState, string>> {
  const { snapshot } = directory.recovered;
  if (snapshot.position.index === 0) return ok(new KvState(hash));
  return await loadSnapshot(directory.snapshots, snapshot, hash, clock);
}

/** The data directory, not the configuration, knows who is in the cluster: they must agree. */
function membershipMismatch(
  directory: DataDirectory,
  members: readonly NodeMember[],
): string | null {
  const recovered = latestMembership(directory);
  const known = [...recovered.voters, ...recovered.learners].map(({ id }) => id).sort();
  const configured = members.map(({ id }) => id).sort();
  if (known.join() === configured.join()) return null;
  return `the configuration lists the nodes ${configured.join(", ")}, but this data directory ` +
    `belongs to a cluster of ${known.join(", ")}: list the same nodes, or use another directory`;
}

function latestMembership({ recovered }: DataDirectory): Membership {
  const entry = recovered.entries.findLast(({ kind }) => kind === "membership");
  const decoded = entry && decodeMembership(entry.payload);
  return decoded?.ok ? decoded.value : recovered.snapshot.membership;
}

function memberOf(options: NodeOptions, id: NodeId): NodeMember {
  const member = options.members.find((member) => member.id === id);
  assert(member !== undefined, "a node is a member of its own cluster");
  return member;
}

function logRecovery(log: Log, { identity, recovered }: DataDirectory): void {
  const last = recovered.entries.at(-1) ?? recovered.snapshot.position;
  log.info("recovered", {
    boot: identity.boot,
    snapshot: recovered.snapshot.position.index,
    entries: recovered.entries.length,
    last: `${last.index}@${last.term}`,
    term: recovered.hard.term,
  });
}
