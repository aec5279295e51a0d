/**
 * Commands that this node, as leader, has put into its log and whose fate is not known yet.
 *
 * Invariant N1: a command is settled with an outcome only when the very entry that carries it
 * (same index, same term) was applied; with "effect none" only when an entry of another term was
 * applied there, or one of a later term before it: terms never decrease along the log.
 */

import { err, limits, ok } from "../base/mod.ts";
import type { Outcome } from "../kv/mod.ts";
import type { Entry, Index, NodeId, Position, Term } from "../raft/mod.ts";
import { failures, type Submission } from "./submission.ts";
import type { Failure } from "./types.ts";

type Proposal = { readonly term: Term; readonly submission: Submission };

export class Proposals {
  #proposals = new Map<Index, Proposal>();
  #bytes = 0;
  #total = 0;
  /** Of the last entry that was applied. */
  #appliedTerm: Term = 0;

  get count(): number {
    return this.#proposals.size;
  }

  /** How many there ever were. */
  get total(): number {
    return this.#total;
  }

  hasRoom(): boolean {
    return this.#proposals.size < limits.proposalsMax && this.#bytes < limits.proposalBytesMax;
  }

  /** `submissions` were appended from `first` on. */
  add(first: Position, submissions: readonly Submission[]): void {
    this.#total += submissions.length;
    let index = first.index;
    for (const submission of submissions) {
      // An earlier proposal here was truncated, yet a copy of it elsewhere may still win.
      this.#take(index)?.submission.settle(err(failures.outcomeLost(null)));
      this.#proposals.set(index++, { term: first.term, submission });
      this.#bytes += submission.command.length;
    }
  }

  /** `entry` was applied, with `outcome` when it is a command. */
  applied(entry: Entry, outcome: Outcome | null, leader: NodeId | null): void {
    if (entry.term > this.#appliedTerm) {
      this.#appliedTerm = entry.term;
      // Else those that nothing takes the place of would wait in vain until their deadline.
      this.#failWhere(
        (at, { term }) => at > entry.index && term < entry.term,
        failures.overwritten(leader),
      );
    }
    const proposal = this.#take(entry.index);
    if (proposal === undefined) return;
    const own = proposal.term === entry.term && outcome !== null;
    proposal.submission.settle(own ? ok(outcome) : err(failures.overwritten(leader)));
  }

  /** A snapshot has brought the state to `index` without telling what was applied on the way. */
  skippedTo(index: Index, leader: NodeId | null): void {
    this.#failWhere((at) => at <= index, failures.outcomeSkipped(leader));
  }

  expire(nowMs: number, leader: NodeId | null): void {
    this.#failWhere((_, one) => one.submission.deadlineAt <= nowMs, failures.timedOut(leader));
  }

  failAll(failure: Failure): void {
    this.#failWhere(() => true, failure);
  }

  #failWhere(matches: (index: Index, proposal: Proposal) => boolean, failure: Failure): void {
    for (const [index, proposal] of this.#proposals) {
      if (matches(index, proposal)) this.#take(index)?.submission.settle(err(failure));
    }
  }

  #take(index: Index): Proposal | undefined {
    const proposal = this.#proposals.get(index);
    if (proposal !== undefined) {
      this.#proposals.delete(index);
      this.#bytes -= proposal.submission.command.length;
    }
    return proposal;
  }
}
