/**
 * What must hold after every event, whatever has happened, seen from outside the nodes:
 *
 * - election safety: one leader per term (Raft §3.4);
 * - leader completeness: a new leader's log reaches all that leaders of earlier terms committed, and
 *   it commits nothing of theirs before it commits the entry with which its own term begins (R10);
 * - terms, commit and applied indexes of a process never decrease, and a restarted process does
 *   not forget a term in which it led, since its own vote elected it;
 * - state machine safety: whoever has applied index i has the same state as everybody who had;
 * - what a majority committed stays: no node's commit index passes its log.
 */

import assert from "node:assert/strict";
import type { Node } from "../../src/node/mod.ts";
import type { RaftStatus } from "../../src/raft/mod.ts";
import type { SimCluster } from "../support/sim_cluster.ts";

type Seen = {
  node: Node;
  term: number;
  ledTerm: number;
  commit: number;
  applied: number;
  last: number;
  /** While it leads: the first index of its own term, and its commit index when it was elected. */
  firstOwn: number;
  commitBefore: number;
};

/** Digests are kept for this many of the newest indexes. */
const DIGESTS_MAX = 20_000;

export class Invariants {
  readonly #cluster: SimCluster;
  readonly #leaders = new Map<number, string>();
  /** How far the leader of each term has committed. */
  readonly #committed = new Map<number, number>();
  readonly #seen = new Map<string, Seen>();
  readonly #digests = new Map<number, { readonly digest: string; readonly by: string }>();
  checks = 0;

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
  }

  check(): void {
    this.checks++;
    for (const id of this.#cluster.running) this.#checkNode(id, this.#cluster.node(id));
  }

  #checkNode(id: string, node: Node): void {
    const { role, term, commit, last } = node.consensus;
    const seen = this.#seen.get(id);
    assert.ok(commit <= last.index, `${id} committed ${commit}, its log ends at ${last.index}`);
    if (role === "leader") this.#checkLeader(id, term);
    if (seen === undefined || seen.node !== node) {
      const ledTerm = seen?.ledTerm ?? 0;
      assert.ok(term >= ledTerm, `${id} led term ${ledTerm} and restarted in term ${term}`);
      const fresh = { firstOwn: 0, commitBefore: 0, last: last.index };
      this.#seen.set(id, { node, term, ledTerm, commit, applied: 0, ...fresh });
      return;
    }
    assert.ok(term >= seen.term, `${id}: term ${seen.term}, then ${term}`);
    assert.ok(commit >= seen.commit, `${id}: commit ${seen.commit}, then ${commit}`);
    if (role === "leader") this.#checkLeading(id, seen, node.consensus);
    seen.term = term;
    seen.commit = commit;
    seen.last = last.index;
    this.#checkState(id, seen);
  }

  #checkLeader(id: string, term: number): void {
    const other = this.#leaders.get(term);
    assert.ok(other === undefined || other === id, `${other} and ${id} both lead term ${term}`);
    this.#leaders.set(term, id);
  }

  #checkLeading(id: string, seen: Seen, { term, commit, last }: RaftStatus): void {
    if (seen.ledTerm !== term) {
      seen.ledTerm = term;
      seen.firstOwn = seen.last + 1;
      seen.commitBefore = seen.commit;
      for (const [earlier, committed] of this.#committed) {
        assert.ok(
          earlier >= term || committed <= last.index,
          `${id}@${term} leads with a log up to ${last.index}, term ${earlier} had committed ${committed}`,
        );
      }
    }
    assert.ok(
      commit === seen.commitBefore || commit >= seen.firstOwn,
      `R10: ${id}@${term} commits ${commit}, its own term begins at ${seen.firstOwn}`,
    );
    if (commit >= seen.firstOwn) this.#committed.set(term, commit);
  }

  #checkState(id: string, seen: Seen): void {
    const applied = seen.node.applied;
    if (applied === seen.applied) return;
    assert.ok(applied > seen.applied, `${id}: applied ${seen.applied}, then ${applied}`);
    seen.applied = applied;
    const digest = seen.node.digest;
    const known = this.#digests.get(applied);
    assert.ok(
      known === undefined || known.digest === digest,
      `at index ${applied} ${id} has the state ${digest}, but ${known?.by} has ${known?.digest}`,
    );
    if (known !== undefined) return;
    this.#digests.set(applied, { digest, by: id });
    if (this.#digests.size > DIGESTS_MAX) {
      this.#digests.delete(this.#digests.keys().next().value as number);
    }
  }
}
