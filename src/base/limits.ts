/**
 * Every bound in Keva, its unit in its name, and what happens when it is hit. A limit that an
 * operator may change is the default of a setting in `keva.toml`; its `…Ceiling` is as far as it
 * may be raised.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

export const limits = {
  /** Keys are 1 to this many bytes. Longer: 400, effect none. */
  keyBytesMax: 4 * KIB,
  /** Default for `limits.value_bytes_max`. Larger: 413, effect none. */
  valueBytesMax: 1 * MIB,
  valueBytesCeiling: 8 * MIB,
  /** Content type kept with a value. Longer: 400, effect none. */
  contentTypeBytesMax: 255,
  /** Checks plus mutations in one command. */
  operationsPerCommandMax: 128,
  /** One encoded command. Larger: 413, effect none. It must fit into one frame of link and log. */
  commandBytesMax: 10 * MIB,

  /**
   * Items that one transaction may look at or change, and bytes that it may write and read: it is
   * applied in one piece, while nothing else is served. More: 409, none.
   */
  transactionItemsMax: 10_000,
  transactionBytesMax: 16 * MIB,
  transactionResultBytesMax: 2 * MIB,

  /** Records of the cluster beside its items, and each one's name and body. More: 507, none. */
  recordsMax: 10_000,
  recordNameBytesMax: 256,
  recordBodyBytesMax: 4 * KIB,

  /**
   * Requests with an idempotency key that are remembered, with what came of them, and for how long
   * by the cluster's time. More or longer: the oldest is forgotten.
   */
  requestsMax: 100_000,
  requestsBytesMax: 64 * MIB,
  requestRetentionMs: 24 * 60 * 60 * 1000,
  /** The idempotency key and the name of its caller together. */
  requestNameBytesMax: 256,
  /** An idempotency key. Longer: 400, effect none. */
  idempotencyKeyBytesMax: 128,

  /** Roles of one token. More: 400, none. */
  rolesPerTokenMax: 16,
  /** Tokens that a node has lately found right. Hit: all are forgotten, and checked anew. */
  knownTokensMax: 1_024,
  /** How long a change of tokens or of the policy waits for the members that can be reached. */
  recordChangeWaitMs: 1_000,

  /** One rule of a policy as text: it fits into a record. Longer: 400, none. */
  policyRuleBytesMax: 4 * KIB,
  /**
   * Rules of the policy in files, and of that in the cluster; so many keep a decision that is not
   * yet known below a few milliseconds. More: the files are refused; 507, none.
   */
  policyRulesMax: 1_000,
  /** One file of a policy. Larger: refused. */
  policyFileBytesMax: 1 * MIB,
  /** Callers whose rights a node has at hand. Hit: all are forgotten, and worked out anew. */
  knownCallersMax: 1_024,

  /** Commands proposed but not applied on the leader, in bytes and in count. Hit: 503, none. */
  proposalBytesMax: 64 * MIB,
  proposalsMax: 16_384,
  /** Forwarded commands of this node that wait for the leader's answer. Hit: 503, none. */
  forwardBytesMax: 32 * MIB,
  forwardsMax: 8_192,
  /** How long they wait for an acknowledgement of this node that they could leave together with. */
  forwardGatherMsMax: 5,
  /** Reads that wait for a ReadIndex round. Hit: 503. */
  readsWaitingMax: 65_536,

  /** Entries applied in one loop turn before input and heartbeats get their turn. */
  applyEntriesPerTurnMax: 256,
  applyBytesPerTurnMax: 4 * MIB,
  /** And what they may do, in items touched and in every 4 KiB read or written. */
  applyWorkPerTurnMax: 4_096,

  /**
   * Items that one command removes because they are due; the next one follows when it is applied.
   * Few enough that a batch holds nobody up, many enough that 100,000 take a second or two.
   */
  expiriesPerCommandMax: 1_000,
  /** How long an item may be told to stay, from now on: ten years. Longer: 400, effect none. */
  ttlMsMax: 10 * 365 * 24 * 60 * 60 * 1000,

  /** Changes kept for those who watch, in count and in bytes. Older: the watch is reset. */
  historyChangesMax: 65_536,
  historyBytesMax: 16 * MIB,
  /** What one watcher looks at in one turn; a single larger value still travels. */
  watchChangesPerTurnMax: 1_024,
  watchBytesPerTurnMax: 256 * KIB,
  /** A watcher that has heard nothing for so long is told how far it has come. */
  watchProgressIntervalMs: 10_000,

  /** A page of a list: items, and bytes of keys and values; a single larger item still travels. */
  listItemsMax: 1_000,
  listBytesMax: 1 * MIB,

  /** Payload of one AppendEntries message; one larger entry still travels alone. */
  appendBytesMax: 1 * MIB,
  appendEntriesMax: 4_096,
  /** AppendEntries messages and bytes in flight to one follower before the leader waits. */
  inflightAppendsMax: 64,
  inflightAppendBytesMax: 16 * MIB,
  /** Log entries kept in memory below a snapshot, so that slow followers need no snapshot. */
  logTailEntries: 4_096,
  logTailBytesMax: 16 * MIB,

  /** One frame between nodes. Larger: link closed before anything is allocated. */
  peerFrameBytesMax: 16 * MIB,
  /** Frames queued to one peer. Hit: new Raft messages dropped and counted (Raft resends). */
  peerQueueFramesMax: 8_192,
  peerQueueBytesMax: 64 * MIB,
  /** Accepted links that have not finished their handshake, in all and from one address. */
  halfOpenLinksMax: 64,
  halfOpenLinksPerAddressMax: 8,
  handshakeTimeoutMs: 3_000,
  handshakeBytesMax: 4 * KIB,
  /** A link that has answered no ping for this long is broken, whatever the system says. */
  linkPingIntervalMs: 1_000,
  linkSilenceMsMax: 5_000,
  /** What was said before a link moved to another connection has so long to arrive. */
  linkMoveTimeoutMs: 2_000,
  /** Reconnect delay to a peer: doubles from the first to the second. */
  reconnectDelayMsMin: 50,
  reconnectDelayMsMax: 1_000,

  /** Bytes of one snapshot chunk on the wire and of one image block on disk. */
  snapshotChunkBytes: 256 * KIB,
  imageBlockBytes: 128 * KIB,

  /** One WAL frame. Writes queued past this go into the next frame. */
  walFrameBytesMax: 16 * MIB,
  /**
   * A frame that lengthens its segment is followed by zeros up to the next multiple of the first,
   * unless it is larger than the second: then its bytes cost more than the metadata.
   */
  walRoomBytes: 256 * KIB,
  walRoomFrameBytesMax: 16 * KIB,

  /** HTTP: request target (414), header section (431), connections (503), header and idle time. */
  targetBytesMax: 16 * KIB,
  headerBytesMax: 16 * KIB,
  connectionsMax: 1_024,
  /**
   * A quarter: one address alone cannot keep the others out. Less would be hit by honest programs,
   * whose HTTP/1.1 clients open a connection for each request that waits.
   */
  connectionsPerAddressMax: 256,
  /**
   * File descriptors that clients never get: two links for each peer, strangers at the port for
   * nodes, refused connections, log, snapshots, and what the runtime needs.
   */
  openFilesReserved: 256,
  /**
   * Clients whose TLS handshake is not finished, in all and from one address, and how long it may
   * take. Hit: closed. They come on top of the connections, whose caps count from then on; one
   * address may begin as many at once as it may have connections by default.
   */
  halfOpenClientsMax: 512,
  halfOpenClientsPerAddressMax: 256,
  clientHandshakeTimeoutMs: 5_000,
  headerTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  idleTimeoutMs: 75_000,
  /** Request bodies held in memory over all connections. Hit: 503 with Retry-After. */
  bodyBytesInFlightMax: 128 * MIB,
  /** Header fields of one request. More: 431. */
  headerFieldsMax: 100,
  /** Pipelined requests of one connection that are served together; the next ones wait unread. */
  pipelinedRequestsMax: 64,
  /** Answers gathered before a write; a body larger than this is written by itself, uncopied. */
  responseBatchBytes: 64 * KIB,
  /** How long the rest of a refused request is read and dropped, so that its answer arrives. */
  lingerTimeoutMs: 2_000,
  /** Refused connections that wait for their 503 to arrive. Hit: closed without a word. */
  refusedConnectionsMax: 64,

  /** Default for `limits.request_timeout_ms`, and the most that one request may ask for. */
  requestTimeoutMs: 5_000,
  requestTimeoutMsMax: 60_000,
  /** A readiness probe asks for one read round and waits no longer. */
  readyTimeoutMs: 1_000,
} as const;
