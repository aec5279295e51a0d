/**
 * Handing leadership over (§3.10): on shutdown, and when this node's disk no longer keeps up.
 */

import type { Core } from "./core.ts";
import { isVoter } from "./membership.ts";
import type { NodeId } from "./types.ts";

/**
 * Starts handing leadership to the voter that is furthest along. False when this node does not
 * lead, is handing over already, or no other voter is alive.
 */
export function transfer(core: Core): boolean {
  const leadership = core.leadership;
  if (leadership === null || leadership.transfer !== null) return false;
  let best: NodeId | null = null;
  let matchedBest = -1;
  for (const [id, progress] of leadership.progress) {
    if (!progress.isHeard(core.options.electionTicks) || !isVoter(core.membership, id)) continue;
    if (progress.matched <= matchedBest) continue;
    best = id;
    matchedBest = progress.matched;
  }
  if (best === null) return false;
  leadership.transfer = { to: best, ordered: false, ticks: 0 };
  noteTransferProgress(core, best);
  return true;
}

/** Orders the election once the successor has the whole log: nobody else could refuse it then. */
export function noteTransferProgress(core: Core, from: NodeId): void {
  const handover = core.leadership?.transfer;
  if (!handover || handover.to !== from || handover.ordered) return;
  if (core.leadership?.progress.get(from)?.matched !== core.log.last.index) return;
  handover.ordered = true;
  core.send.push({ kind: "timeoutNow", from: core.id, to: from, term: core.term });
}

/** Gives up on a successor that did not take over within an election timeout. */
export function tickTransfer(core: Core): void {
  const handover = core.leadership?.transfer;
  if (!handover || !core.leadership) return;
  if (++handover.ticks >= core.options.electionTicks) core.leadership.transfer = null;
}
