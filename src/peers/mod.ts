/**
 * Layer 2: links between nodes.
 *
 * Duty: frames and messages as bytes, greetings, and one bounded, self-healing link per peer and
 * direction over the Network port.
 * Invariants: numbered P1… beside the state they guard; no input from the network throws.
 * May import: base; from raft its types and the codec of its nouns.
 */

export type { SelfIdentity } from "./handshake.ts";
export { type LinkKeys, Links, type LinksOptions } from "./links.ts";
export { type Authorised, KeyedTransport, PlainTransport, type Transport } from "./transport.ts";
export type { LinkPorts } from "./outgoing.ts";
export type {
  Forward,
  ForwardReply,
  PeerMessage,
  SnapshotAck,
  SnapshotChunk,
  StatusReply,
  StatusRequest,
} from "./types.ts";
