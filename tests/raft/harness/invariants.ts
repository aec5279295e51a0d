/**
 * What must hold in every script, whatever its transcript says: election safety, log matching,
 * leader completeness, state machine safety (Raft §3), nothing claimed before it is stored, and
 * reads that are linearizable.
 */

import { assert } from "../../../src/base/mod.ts";
import type { Entry, Index, Message, NodeId, Position, Term } from "../../../src/raft/mod.ts";
import type { SimNode } from "./node.ts";
import { showEntry, showPosition } from "./notation.ts";

export class Invariants {
  readonly #leaders = new Map<Term, NodeId>();
  readonly #votes = new Map<string, NodeId>();
  readonly #attempts = new Set<string>();
  readonly #committed = new Map<Index, Entry>();
  /** The highest index that any node ever knew to be committed. */
  committed: Index = 0;
  /** Cleared by scripts that make disks forget or forge messages: who commits first is theirs. */
  genuine = true;

  /** `message` leaves `node`: what it claims must be on that node's disk. */
  onSend({ id, disk }: SimNode, message: Message): void {
    assert(message.from === id && message.to !== id, `${id} sends in its own name, to others`);
    const { kind, term, to } = message;
    if (kind === "voteRequest" && !message.pre) this.#castVote(id, disk.hard.term, term, id);
    if (kind === "voteReply" && !message.pre && message.granted) {
      this.#castVote(id, disk.hard.term, term, to);
      const stored = disk.hard.term > term || disk.hard.vote === to;
      assert(stored, `${id} stored its vote for ${to} in term ${term}`);
    }
    if (kind === "accepted") {
      assert(
        message.matched <= disk.last.index,
        `${id} stored what it accepts: ${message.matched}`,
      );
    }
    if (kind === "readRequest") {
      const attempt = `${id} ${message.attempt}`;
      assert(!this.#attempts.has(attempt), `read attempt ${attempt} is new`);
      this.#attempts.add(attempt);
    }
  }

  #castVote(voter: NodeId, storedTerm: Term, term: Term, candidate: NodeId): void {
    assert(storedTerm >= term, `${voter} stored term ${term} before it votes in it`);
    const key = `${voter}@${term}`;
    const before = this.#votes.get(key) ?? candidate;
    assert(before === candidate, `${key} votes once: for ${before}, then ${candidate}`);
    this.#votes.set(key, candidate);
  }

  /** `node` learns that `entries` are committed; `voters` are those of its membership. */
  onCommit(node: SimNode, entries: readonly Entry[], voters: readonly SimNode[]): void {
    for (const entry of entries) {
      const known = this.#committed.get(entry.index);
      if (known) {
        assert(
          showEntry(known) === showEntry(entry),
          `${node.id} commits ${showEntry(entry)}, not ${showEntry(known)} like others before`,
        );
      } else {
        this.#commitFirst(node, entry, voters);
      }
    }
  }

  #commitFirst(node: SimNode, entry: Entry, voters: readonly SimNode[]): void {
    const stored = voters.filter(({ disk }) => disk.holds(entry)).length;
    assert(
      stored * 2 > voters.length || !this.genuine,
      `a majority stored ${showPosition(entry)} before ${node.id} commits it`,
    );
    this.#committed.set(entry.index, entry);
    this.committed = Math.max(this.committed, entry.index);
  }

  onGrant(node: SimNode, index: Index, floor: Index): void {
    assert(index >= floor, `a read on ${node.id} begun at commit ${floor} is served at ${index}`);
  }

  /** Checked after every turn of any node. */
  check(nodes: readonly SimNode[]): void {
    for (const node of nodes) this.#checkNode(node);
    for (const [at, one] of nodes.entries()) {
      for (const other of nodes.slice(at + 1)) checkLogsMatch(one, other);
    }
  }

  #checkNode(node: SimNode): void {
    if (!node.raft) return;
    const { id, peak, log } = node;
    const { term, commit, role, last } = node.raft.status;
    assert(term >= peak.term, `the term of ${id} grows from ${peak.term} to ${term}`);
    assert(commit >= peak.commit, `the commit of ${id} grows from ${peak.commit} to ${commit}`);
    if (!node.gathering) {
      assert(showPosition(last) === showPosition(log.last), `${id} handed its whole log over`);
    }
    if (role === "leader") {
      const leader = this.#leaders.get(term) ?? id;
      assert(leader === id, `term ${term} has one leader: ${leader}, not ${id}`);
      this.#leaders.set(term, id);
      if (peak.role !== "leader" || peak.term !== term) this.#checkComplete(node, term);
    }
    node.peak = { term, commit, role };
  }

  /** A new leader holds everything committed in the terms before its own. */
  #checkComplete({ id, log }: SimNode, term: Term): void {
    const committed = [...this.#committed.values()].filter((entry) => entry.term < term);
    for (const entry of committed) {
      assert(log.holds(entry), `leader ${id} of term ${term} holds ${showPosition(entry)}`);
    }
  }
}

/** Logs that hold the same position are equal up to it. */
function checkLogsMatch(one: SimNode, other: SimNode): void {
  const [ours, theirs] = [one.log, other.log];
  const first = Math.max(ours.snapshot.position.index, theirs.snapshot.position.index);
  let agreed = false;
  for (let index = Math.min(ours.last.index, theirs.last.index); index >= first; index--) {
    const same = ours.term(index) === theirs.term(index);
    const position: Position = { index, term: ours.term(index) ?? 0 };
    assert(
      same || !agreed,
      `${one.id} and ${other.id} agree after ${showPosition(position)} but not there`,
    );
    agreed ||= same;
    const [mine, yours] = [entryAt(one, index), entryAt(other, index)];
    if (!same || !mine || !yours) continue;
    assert(
      showEntry(mine) === showEntry(yours),
      `${one.id} holds ${showEntry(mine)}, ${other.id} holds ${showEntry(yours)}`,
    );
  }
}

function entryAt({ log }: SimNode, index: Index): Entry | undefined {
  return log.entries[index - log.snapshot.position.index - 1];
}
