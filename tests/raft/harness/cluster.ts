/**
 * A cluster in a script: nodes, the network between them, and the transcript of what happens.
 *
 * Everything is one turn of one node: an input, then all outputs that come of it. Storage and the
 * state machine follow at once, unless the script slows the disk down.
 */

import { assert } from "../../../src/base/mod.ts";
import type { Membership, Message, NodeId, Raft, Ready, Term } from "../../../src/raft/mod.ts";
import { SeededRandom } from "../../support/seeded_random.ts";
import { Invariants } from "./invariants.ts";
import { Network, type Parcel } from "./network.ts";
import { SimNode, type Timing } from "./node.ts";
import { showDelivered, showEntries, showMembership, showPosition } from "./notation.ts";
import { showEntry, showSent, showWrite } from "./notation.ts";
import { pinnedRandom } from "./random.ts";

/** More deliveries than this until the network is quiet mean that it never will be. */
const DELIVERIES_MAX = 5_000;
const ALL_ENTRIES = { countMax: Number.MAX_SAFE_INTEGER, bytesMax: Number.MAX_SAFE_INTEGER };

export type ClusterOptions = Timing & {
  readonly seed: number;
  /** Election timeouts of n1, n2, …; others are drawn from the seed. */
  readonly timeouts: readonly number[];
};

export class Cluster {
  readonly network = new Network();
  readonly invariants = new Invariants();
  readonly nodes = new Map<NodeId, SimNode>();
  /** What is not told: message kinds, or `stores`. */
  readonly muted = new Set<string>();
  autostore = true;
  transcript: string[] = [];

  readonly #options: ClusterOptions;
  readonly #random: SeededRandom;
  readonly #attempts = new Map<string, string>();
  #indent = "  ";

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
  }

  // --- Nodes --------------------------------------------------------------------------------------

  add(id: NodeId, membership: Membership): SimNode {
    assert(!this.nodes.has(id), `${id} is new`);
    const node = new SimNode(id, membership);
    this.nodes.set(id, node);
    return node;
  }

  node(id: NodeId): SimNode {
    const node = this.nodes.get(id);
    assert(node, `there is a node ${id}`);
    return node;
  }

  start(node: SimNode): void {
    assert(!node.raft, `${node.id} is down`);
    const at = [...this.nodes.keys()].indexOf(node.id);
    const timeout = this.#options.timeouts[at];
    const pinned = timeout === undefined ? undefined : timeout - this.#options.electionTicks;
    const { electionTicks, heartbeatTicks } = this.#options;
    node.start({ electionTicks, heartbeatTicks }, pinnedRandom(this.#random.fork(), pinned));
    node.standing = `${node.id}@${node.term} follower`;
    this.tell(`${node.id}@${node.term} starts, ${this.showLog(node)}`);
    this.#turn(node);
  }

  stop(node: SimNode): void {
    assert(node.raft, `${node.id} runs`);
    if (node.pending.length > 0) this.tell(`${node.id} loses ${node.pending.length} writes`);
    node.stop();
  }

  /** Feeds one input, and does what comes of it unless the turn is still being gathered. */
  input<T>(id: NodeId, feed: (raft: Raft) => T): T {
    const node = this.node(id);
    assert(node.raft && !node.halted, `${id} runs`);
    const result = feed(node.raft);
    this.#turn(node);
    return result;
  }

  endTurn(node: SimNode): void {
    node.gathering = false;
    this.#turn(node);
  }

  #turn(node: SimNode): void {
    while (!node.gathering && node.raft && !node.halted) {
      const ready = node.raft.take();
      if (ready.halt !== null) {
        node.halted = true;
        this.tell(`${node.id}@${node.term} halts: ${ready.halt}`);
        return;
      }
      this.#act(node, node.raft, ready);
      if (!this.autostore || node.pending.length === 0) break;
      this.storeFirst(node);
    }
    this.invariants.check([...this.nodes.values()]);
  }

  #act(node: SimNode, raft: Raft, ready: Ready): void {
    this.#tellStanding(node, raft);
    for (const message of ready.send) this.#send(node, message);
    if (ready.write) {
      node.log.apply(ready.write);
      node.pending.push(ready.write);
      if (!this.autostore) this.#tellStore(`${node.id} writes ${showWrite(ready.write)}`);
    }
    if (ready.restore) {
      this.tell(`${node.id} restores ${showPosition(ready.restore.position)}`);
      node.applied = ready.restore.position.index;
    }
    if (ready.commit > node.applied) this.#apply(node, raft, ready.commit);
    for (const { through, index } of ready.grants) {
      this.tell(`${node.id} serves reads of batch ${through} at ${index}`);
      const granted = node.reads.filter(({ ticket }) => ticket <= through);
      for (const { floor } of granted) this.invariants.onGrant(node, index, floor);
      node.reads = node.reads.filter(({ ticket }) => ticket > through);
    }
  }

  #apply(node: SimNode, raft: Raft, commit: number): void {
    const entries = raft.entries(node.applied + 1, commit, ALL_ENTRIES);
    const voters = raft.membership.voters.flatMap(({ id }) => this.nodes.get(id) ?? []);
    this.invariants.onCommit(node, entries, voters);
    this.tell(`${node.id}@${node.term} commits ${showEntries(entries)}`);
    raft.applied(commit);
    node.applied = commit;
  }

  /** The first pending write of `node` has become durable. */
  storeFirst(node: SimNode): void {
    const write = node.pending.shift();
    assert(write && node.raft, `${node.id} has a write pending`);
    node.disk.apply(write);
    this.#tellStore(
      `${node.id} ${this.autostore ? `stores ${showWrite(write)}` : `stored #${write.id}`}`,
    );
    for (const message of write.thenSend) this.#send(node, message);
    node.raft.stored(write.id);
  }

  store(node: SimNode): void {
    this.storeFirst(node);
    this.#turn(node);
  }

  // --- Network ------------------------------------------------------------------------------------

  #send(node: SimNode, message: Message): void {
    this.invariants.onSend(node, message);
    if (message.kind === "voteRequest") node.campaigns++;
    // A message may wait for its write while its sender enters a later term.
    const late = message.kind !== "voteRequest" && message.kind !== "voteReply" &&
      message.term < node.term;
    const senderTerm = late ? message.term : this.#senderTerm(node, message);
    this.post({ message, senderTerm });
  }

  #senderTerm(node: SimNode, message: Message): Term {
    const pre = (message.kind === "voteRequest" || message.kind === "voteReply") && message.pre;
    return pre ? node.term : message.term;
  }

  post(parcel: Parcel): void {
    const lost = this.network.post(parcel) ? "" : " (lost)";
    const text = showSent(parcel.message, parcel.senderTerm, this.attemptName) + lost;
    this.#tellMessage(parcel, text);
  }

  /** `receiver` is another than the addressee when a message is misdelivered. */
  deliver(parcels: readonly Parcel[], receiver?: NodeId): void {
    this.network.remove(parcels);
    for (const parcel of parcels) {
      const { message, senderTerm } = parcel;
      const node = this.nodes.get(receiver ?? message.to);
      const text = showDelivered(message, senderTerm, this.attemptName);
      if (!node?.raft || node.halted) {
        this.#tellMessage(parcel, `${text} (down)`, "");
        continue;
      }
      this.#tellMessage(parcel, text, "");
      const { ignored } = node.raft.status;
      this.input(node.id, (raft) => raft.step(message));
      if (node.raft.status.ignored > ignored) this.#tellMessage(parcel, "ignored");
    }
  }

  deliverAll(): void {
    for (let count = 0; this.network.flying.length > 0; count++) {
      assert(count < DELIVERIES_MAX, "the network becomes quiet");
      this.deliver(this.network.flying.slice(0, 1));
    }
  }

  /** Read attempts are large and random: a script numbers them per node, in order of appearance. */
  readonly attemptName = (node: NodeId, attempt: number): string => {
    const key = `${node} ${attempt}`;
    const known = this.#attempts.get(key);
    if (known !== undefined) return known;
    const count = [...this.#attempts.keys()].filter((key) => key.startsWith(`${node} `)).length;
    const name = `${node}#${count + 1}`;
    this.#attempts.set(key, name);
    return name;
  };

  // --- Transcript ---------------------------------------------------------------------------------

  tell(line: string, indent: string = this.#indent): void {
    this.transcript.push(indent + line);
  }

  showLog(node: SimNode): string {
    const { snapshot, entries } = node.log;
    const mark = snapshot.position.index > 0
      ? `${showPosition(snapshot.position)} ${showMembership(snapshot.membership)} `
      : "";
    return `log ${mark}[${entries.map(showEntry).join(", ")}]`;
  }

  #tellMessage({ message }: Parcel, text: string, indent: string = this.#indent): void {
    if (!this.muted.has(message.kind)) this.tell(text, indent);
  }

  #tellStore(text: string): void {
    if (!this.muted.has("stores")) this.tell(text);
  }

  #tellStanding(node: SimNode, raft: Raft): void {
    const { role, term, leader } = raft.status;
    const of = role === "follower" && leader !== null ? ` of ${leader}` : "";
    const standing = `${node.id}@${term} ${role}${of}`;
    if (standing === node.standing) return;
    node.standing = standing;
    this.tell(standing);
  }
}
