/**
 * What must hold after every step of every node, told from outside: it sees inputs, outputs and
 * disks of all nodes at once, which no node can.
 */

import { limits } from "../../../src/base/mod.ts";
import type {
  Entry,
  Index,
  Membership,
  NodeId,
  Position,
  RaftStatus,
  ReadGrant,
  Recovered,
  Term,
  Write,
} from "../../../src/raft/mod.ts";
import { membershipIn } from "./disk.ts";
import { digestAfter, type Node } from "./node.ts";
import { at, showMembership } from "./notation.ts";

/** The core did what it must never do. */
export class Violation extends Error {
  override readonly name = "Violation";
}

export function check(condition: unknown, message: () => string): asserts condition {
  if (!condition) throw new Violation(message());
}

type Committed = {
  readonly entry: Entry;
  /** The term of the leader that committed it, which may be later than the entry's. */
  readonly in: Term;
  readonly digest: number;
  readonly membership: Membership;
};

type Known = { readonly entry: Entry; readonly previous: Term };

export class Oracle {
  readonly #nodes: readonly Node[];
  readonly #bootstrap: Membership;
  readonly #leaders = new Map<Term, NodeId>();
  readonly #votes = new Map<string, NodeId>();
  /** All entries ever written, by position: one content and one predecessor for each. */
  readonly #known = new Map<string, Known>();
  readonly #committed: Committed[] = [];
  termMax: Term = 0;

  constructor(nodes: readonly Node[], bootstrap: Membership) {
    this.#nodes = nodes;
    this.#bootstrap = bootstrap;
  }

  /** The highest index that any leader has committed: every later read must reflect it. */
  get commit(): Index {
    return this.#committed.length;
  }

  digest(index: Index): number {
    return index === 0 ? 0 : this.#at(index).digest;
  }

  membership(index: Index): Membership {
    return index === 0 ? this.#bootstrap : this.#at(index).membership;
  }

  #at(index: Index): Committed {
    const committed = this.#committed[index - 1];
    check(committed, () => `${index} was never committed`);
    return committed;
  }

  started(node: Node, recovered: Recovered): void {
    const status = node.raft!.status;
    check(
      status.term === recovered.hard.term && status.vote === recovered.hard.vote,
      () => `${node.id} forgot term ${recovered.hard.term} or vote ${recovered.hard.vote}`,
    );
    check(status.last.index >= recovered.snapshot.position.index, () => `${node.id} lost its log`);
    this.#checkCommitted(node, 0, status);
  }

  /** After each input. */
  observe(node: Node, before: RaftStatus, after: RaftStatus): void {
    const { id } = node;
    check(
      after.term >= before.term && after.commit >= before.commit && after.applied >= before.applied,
      () => `${id} went back: ${JSON.stringify(before)} to ${JSON.stringify(after)}`,
    );
    check(
      after.term > before.term || before.vote === null || after.vote === before.vote,
      () => `${id} changed its vote in term ${after.term}: ${before.vote} to ${after.vote}`,
    );
    this.termMax = Math.max(this.termMax, after.term);
    this.#checkPointers(node, after);
    if (after.role === "leader" && before.role !== "leader") this.#elected(node, after);
    if (after.commit > before.commit) {
      if (after.commit > this.commit) this.#newlyCommitted(node, before, after);
      this.#checkCommitted(node, before.commit, after);
    }
  }

  #checkPointers(node: Node, status: RaftStatus): void {
    const { first, snapshot, commit, last, applied, stable } = status;
    check(
      first - 1 <= snapshot.index && snapshot.index <= commit && commit <= last.index &&
        applied <= commit && stable <= last.index,
      () => `${node.id} has its pointers out of order: ${JSON.stringify(status)}`,
    );
    const term = node.raft!.termAt(stable);
    check(
      stable <= snapshot.index || (term !== undefined && node.disk.durable.term(stable) === term),
      () => `${node.id} believes that ${stable}@${term} is on its disk`,
    );
  }

  #elected(node: Node, status: RaftStatus): void {
    const { term } = status;
    const other = this.#leaders.get(term);
    check(other === undefined, () => `election safety: ${other} and ${node.id} lead term ${term}`);
    this.#leaders.set(term, node.id);
    const must = this.#committed.findLast((committed) => committed.in < term);
    if (must) this.#checkHolds(node, must.entry, "leader completeness");
  }

  #checkHolds(node: Node, position: Position, what: string): void {
    const { index, term } = position;
    const found = node.raft!.termAt(index);
    check(
      found === term || (found === undefined && index <= node.raft!.status.snapshot.index),
      () => `${what}: ${node.id} lacks ${at(position)}`,
    );
  }

  /** A commit that nobody knew of must come from a leader, and be on the disks of a majority. */
  #newlyCommitted(node: Node, before: RaftStatus, after: RaftStatus): void {
    const raft = node.raft!;
    check(
      before.role === "leader" || after.role === "leader",
      () => `${node.id} commits ${after.commit} ahead of every leader`,
    );
    const top = raft.termAt(after.commit);
    check(
      top === after.term,
      () => `R10: ${node.id}@${after.term} commits ${after.commit}@${top} by counting`,
    );
    const { voters } = raft.membership;
    const holders = voters.filter(({ id }) =>
      this.#nodes.find((one) => one.id === id)!.disk.durable.holds(after.commit, top)
    );
    check(
      holders.length * 2 > voters.length,
      () =>
        `${node.id} commits ${after.commit}@${top}, durable on ${holders.length} of ` +
        showMembership(raft.membership),
    );
    for (let index = this.commit + 1; index <= after.commit; index++) {
      const term = raft.termAt(index);
      const known = this.#known.get(`${index}@${term}`);
      check(known, () => `${node.id} commits ${index}@${term}, which was never written`);
      const { entry } = known;
      const digest = digestAfter(this.digest(index - 1), entry);
      const membership = entry.kind === "membership"
        ? membershipIn(entry)
        : this.membership(index - 1);
      this.#committed.push({ entry, in: after.term, digest, membership });
    }
    for (const other of this.#nodes) {
      const status = other.status;
      if (status?.role !== "leader" || status.term <= after.term) continue;
      this.#checkHolds(other, this.#at(after.commit).entry, "leader completeness");
    }
  }

  /** What a node takes for committed is what was committed. */
  #checkCommitted(node: Node, from: Index, status: RaftStatus): void {
    for (let index = Math.max(from + 1, status.first); index <= status.commit; index++) {
      const term = node.raft!.termAt(index);
      const { entry } = this.#at(index);
      check(
        entry.term === term,
        () => `${node.id} takes ${index}@${term} for committed, but ${at(entry)} was`,
      );
    }
    const { index, term } = status.snapshot;
    check(index === 0 || this.#at(index).entry.term === term, () => `${node.id}: wrong snapshot`);
  }

  // --- Outputs ----------------------------------------------------------------------------------

  /** Before the write is handed to the disk. */
  writing(node: Node, write: Write): void {
    const { full } = node.disk;
    const { hard, truncateFrom, snapshot, entries } = write;
    if (hard) {
      check(
        hard.term > full.hard.term ||
          (hard.term === full.hard.term &&
            (full.hard.vote === null || full.hard.vote === hard.vote)),
        () => `${node.id} stores vote ${hard.vote} in ${hard.term} over ${full.hard.vote}`,
      );
    }
    const mark = snapshot?.position.index ?? 0;
    if (truncateFrom !== undefined) {
      const safe = Math.max(mark, full.snapshot.position.index, truncateFrom - 1) + 1;
      const lost = this.#committed[safe - 1];
      check(
        lost === undefined || full.term(safe) !== lost.entry.term,
        () => `${node.id} truncates ${safe}@${full.term(safe)}, which is committed`,
      );
    }
    if (snapshot) {
      check(
        mark > full.snapshot.position.index,
        () => `${node.id} marks ${mark} after ${full.snapshot.position.index}`,
      );
      this.checkSnapshot(node, snapshot.position, snapshot.membership);
    }
    for (const entry of entries) this.#register(entry);
  }

  #register(entry: Entry): void {
    const key = at(entry);
    const known = this.#known.get(key);
    if (known === undefined) return void this.#known.set(key, { entry, previous: -1 });
    check(
      known.entry.kind === entry.kind &&
        known.entry.payload.length === entry.payload.length &&
        known.entry.payload.every((byte, i) => byte === entry.payload[i]),
      () => `log matching: two entries at ${key}`,
    );
  }

  checkSnapshot(node: Node, position: Position, membership: Membership): void {
    const { index } = position;
    check(node.images.has(index), () => `${node.id} refers to snapshot ${index} without an image`);
    check(
      this.#at(index).entry.term === position.term &&
        showMembership(membership) === showMembership(this.membership(index)),
      () =>
        `${node.id}: snapshot ${at(position)} ${showMembership(membership)} is not ` +
        `${at(this.#at(index).entry)} ${showMembership(this.membership(index))}`,
    );
  }

  /** After a drain: memory and disk must agree about everything that is on its way. */
  compare(node: Node, isDeep: boolean): void {
    const raft = node.raft!;
    const { full } = node.disk;
    const { last, term, vote, snapshot } = raft.status;
    check(
      at(full.last) === at(last) && at(full.snapshot.position) === at(snapshot),
      () =>
        `${node.id}: the disk will hold (${at(full.snapshot.position)}, ${at(full.last)}], ` +
        `memory holds (${at(snapshot)}, ${at(last)}]`,
    );
    // The whole log now and then, its end always: else the cost would grow with its square.
    const { entries } = full;
    const start = isDeep ? 0 : Math.max(0, entries.length - 4);
    let previous = start === 0 ? full.snapshot.position.term : entries[start - 1]!.term;
    for (let i = start; i < entries.length; i++) {
      const entry = entries[i]!;
      check(
        raft.termAt(entry.index) === entry.term,
        () => `${node.id}: disk differs at ${at(entry)}`,
      );
      this.#checkPredecessor(entry, previous);
      previous = entry.term;
    }
    check(
      full.hard.term === term && full.hard.vote === vote,
      () => `${node.id}: term ${term} or vote ${vote} is not on its way to disk`,
    );
    if (!isDeep) return;
    check(
      showMembership(full.membership) === showMembership(raft.membership),
      () =>
        `${node.id} acts on ${showMembership(raft.membership)}, its log says ` +
        showMembership(full.membership),
    );
    this.#checkChanges(node);
  }

  #checkPredecessor(entry: Entry, previous: Term): void {
    const key = at(entry);
    const known = this.#known.get(key);
    check(known, () => `${key} appeared out of nothing`);
    if (known.previous === -1) this.#known.set(key, { entry, previous });
    else {
      check(
        known.previous === previous,
        () => `log matching: ${key} follows both term ${known.previous} and ${previous}`,
      );
    }
  }

  /** Memberships that follow each other have majorities that intersect, and one is open at most. */
  #checkChanges(node: Node): void {
    const { full } = node.disk;
    const { commit, role, term } = node.raft!.status;
    let before = full.snapshot.membership;
    let open = 0;
    for (const entry of full.entries) {
      if (entry.kind !== "membership") continue;
      const after = membershipIn(entry);
      const old = new Set(before.voters.map(({ id }) => id));
      const kept = after.voters.filter(({ id }) => old.has(id)).length;
      check(
        old.size - kept + after.voters.length - kept <= 1,
        () => `R5: ${at(entry)} goes from ${showMembership(before)} to ${showMembership(after)}`,
      );
      // A change that a leader made itself follows no change that it did not know to be committed.
      const isOwn = role === "leader" && entry.term === term && entry.index > commit;
      check(!isOwn || open === 0, () => `R11: ${node.id} makes change ${at(entry)} over another`);
      if (entry.index > commit) open++;
      before = after;
    }
  }

  // --- State machine and reads ------------------------------------------------------------------

  applied(node: Node): void {
    const { index, digest } = node.state;
    check(
      digest === this.digest(index),
      () => `state machine safety: ${node.id} applied something else up to ${index}`,
    );
  }

  granted(node: Node, { through, index }: ReadGrant): void {
    check(index <= this.commit, () => `${node.id} may read at ${index}, which is not committed`);
    for (const { ticket, floor } of node.reads) {
      check(
        ticket > through || floor <= index,
        () => `stale read: ${node.id} may read at ${index}, but ${floor} was committed before`,
      );
    }
    node.reads = node.reads.filter(({ ticket }) => ticket > through);
  }

  voted(voter: NodeId, term: Term, candidate: NodeId): void {
    const key = `${voter} ${term}`;
    const other = this.#votes.get(key) ?? candidate;
    check(other === candidate, () => `${voter} votes for ${other} and ${candidate} in ${term}`);
    this.#votes.set(key, candidate);
  }

  withinFlight(node: Node, to: NodeId, count: number, bytes: number): void {
    const { inflightAppendsMax, inflightAppendBytesMax, appendBytesMax } = limits;
    check(
      count <= inflightAppendsMax + 1 &&
        (bytes <= inflightAppendBytesMax + Math.max(appendBytesMax, 1_000)),
      () => `${node.id} has ${count} messages, ${bytes} bytes in flight to ${to}`,
    );
  }
}
