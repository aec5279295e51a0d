/**
 * Histories with their verdict, written by hand: what a store may do, and each way in which one
 * may be wrong. The notation is that of `notation.ts`; times are free, only their order counts.
 */

export type Case = {
  readonly name: string;
  readonly linearizable: boolean;
  readonly history: string;
};

export const CASES: readonly Case[] = [
  // --- Plain sequences ---------------------------------------------------------------------------
  good("nothing", ""),
  good("a read of nothing", "c1 1-2 x get : absent"),
  good(
    "one client, one after the other",
    `c1 1-2 x put a    : @1 new
     c1 3-4 x get      : a@1
     c1 5-6 x put b    : @2 old
     c1 7-8 x delete   : @3 existed
     c1 9-10 x get     : absent
     c1 11-12 x delete : @4 absent
     c1 13-14 x put c  : @5 new`,
  ),
  good(
    "revisions skip what other keys wrote",
    `c1 1-2 x put a : @10
     c1 3-4 y put b : @20
     c1 5-6 x get   : a@10
     c1 7-8 y get   : b@20`,
  ),
  // --- Reads -------------------------------------------------------------------------------------
  bad(
    "stale read: after the new value was acknowledged",
    `c1 1-2 x put a : @1
     c1 3-4 x put b : @2
     c2 5-6 x get   : a@1`,
  ),
  good(
    "a read that overlaps a write sees the old value",
    `c1 1-2 x put a : @1
     c1 3-6 x put b : @2
     c2 4-5 x get   : a@1`,
  ),
  good(
    "a read that overlaps a write sees the new value",
    `c1 1-2 x put a : @1
     c1 3-6 x put b : @2
     c2 4-5 x get   : b@2`,
  ),
  bad(
    "new then old: two reads during one write disagree about time",
    `c1 1-2 x put a : @1
     c1 3-9 x put b : @2
     c2 4-5 x get   : b@2
     c3 6-7 x get   : a@1`,
  ),
  good(
    "old then new: two reads during one write",
    `c1 1-2 x put a : @1
     c1 3-9 x put b : @2
     c2 4-5 x get   : a@1
     c3 6-7 x get   : b@2`,
  ),
  good(
    "overlapping reads may be ordered against their starts",
    `c1 1-2 x put a : @1
     c1 3-9 x put b : @2
     c2 4-8 x get   : b@2
     c3 5-7 x get   : a@1`,
  ),
  bad("phantom: a value that nobody wrote", "c1 1-2 x get : z@1"),
  bad(
    "phantom: a value from another key",
    `c1 1-2 y put a : @1
     c2 3-4 x get   : a@1`,
  ),
  bad(
    "a value read before its write began",
    `c1 1-2 x get   : a@1
     c2 3-4 x put a : @1`,
  ),
  bad(
    "an empty read after an acknowledged write",
    `c1 1-2 x put a : @1
     c2 3-4 x get   : absent`,
  ),
  bad(
    "the right value under a wrong revision",
    `c1 1-2 x put a : @1
     c2 3-4 x get   : a@2`,
  ),
  bad(
    "the right revision with a wrong value",
    `c1 1-2 x put a : @1
     c1 3-4 x put b : @2
     c2 5-6 x get   : a@2`,
  ),
  good(
    "moments that touch count as overlap",
    `c1 1-2 x put a : @1
     c2 2-3 x get   : absent`,
  ),
  // --- Lost and doubled effects ------------------------------------------------------------------
  bad(
    "lost update: an acknowledged write is gone, its predecessor is back",
    `c1 1-2 x put a   : @1
     c1 3-6 x put b   : @2
     c2 3-5 x get     : b@2
     c2 7-8 x get     : a@1`,
  ),
  bad(
    "double apply: a write returns under a second revision",
    `c1 1-2 x put a : @1
     c2 3-4 x put b : @2
     c3 5-6 x get   : a@3`,
  ),
  bad(
    "double apply of a write of unknown outcome",
    `c1 1-… x put u : ?
     c2 2-3 x get   : u@1
     c2 4-5 x put b : @2
     c2 6-7 x get   : u@3`,
  ),
  bad(
    "resurrected delete: the item is back",
    `c1 1-2 x put a  : @1
     c1 3-4 x delete : @2 existed
     c2 5-6 x get    : a@1`,
  ),
  bad(
    "lost delete: the next delete finds the item again",
    `c1 1-2 x put a  : @1
     c1 3-4 x delete : @2 existed
     c2 5-6 x delete : @3 existed`,
  ),
  good(
    "two deletes at once: one finds the item",
    `c1 1-2 x put a  : @1
     c1 3-6 x delete : @3 absent
     c2 4-5 x delete : @2 existed`,
  ),
  bad(
    "two deletes at once: both find the item",
    `c1 1-2 x put a  : @1
     c1 3-6 x delete : @3 existed
     c2 4-5 x delete : @2 existed`,
  ),
  bad(
    "two writes at once: both create the item",
    `c1 1-4 x put a : @1 new
     c2 2-3 x put b : @2 new`,
  ),
  good(
    "two writes at once: the first creates, the second replaces",
    `c1 1-4 x put a : @2 old
     c2 2-3 x put b : @1 new`,
  ),
  bad(
    "a delete finds nothing where an acknowledged write stands",
    `c1 1-2 x put a  : @1
     c2 3-4 x delete : @2 absent`,
  ),
  // --- Writes that failed ------------------------------------------------------------------------
  bad(
    "a value from a write that failed without effect",
    `c1 1-2 x put a : none
     c2 3-4 x get   : a@1`,
  ),
  good(
    "a write that failed without effect stays invisible",
    `c1 1-2 x put a : @1
     c1 3-4 x put b : none
     c2 5-6 x get   : a@1`,
  ),
  bad(
    "a value from a refused cas",
    `c1 1-2 x put a    : @1
     c1 3-4 x cas b @9 : refused @1
     c2 5-6 x get      : b@2`,
  ),
  // --- Unknown outcomes --------------------------------------------------------------------------
  good(
    "an unknown write never appears",
    `c1 1-2 x put a : @1
     c1 3-… x put u : ?
     c2 5-6 x get   : a@1
     c2 7-8 x get   : a@1`,
  ),
  good(
    "an unknown write appears long after",
    `c1 1-2 x put a : @1
     c1 3-… x put u : ?
     c2 5-6 x get   : a@1
     c2 7-8 x get   : u@2`,
  ),
  bad(
    "an unknown write appears and vanishes",
    `c1 1-2 x put a : @1
     c1 3-… x put u : ?
     c2 5-6 x get   : u@2
     c2 7-8 x get   : a@1`,
  ),
  bad(
    "an unknown write appears before it began",
    `c1 1-2 x put a : @1
     c2 3-4 x get   : u@2
     c1 5-… x put u : ?`,
  ),
  bad(
    "an unknown write appears with a revision that was passed before it began",
    `c1 1-2 x put a : @1
     c1 3-4 y put b : @5
     c2 5-… x put u : ?
     c3 6-7 x get   : u@3`,
  ),
  good(
    "an unknown delete took effect",
    `c1 1-2 x put a  : @1
     c1 3-… x delete : ?
     c2 4-5 x get    : absent`,
  ),
  good(
    "an unknown delete explains that a put created",
    `c1 1-2 x put a  : @1
     c1 3-… x delete : ?
     c2 4-5 x put b  : @3 new`,
  ),
  bad(
    "one unknown delete cannot take effect twice",
    `c1 1-2 x put a  : @1
     c1 3-… x delete : ?
     c2 4-5 x put b  : @3 new
     c2 6-7 x put c  : @5 new`,
  ),
  good(
    "two unknown writes appear, the later one first",
    `c1 1-… x put u : ?
     c2 2-… x put v : ?
     c3 3-4 x get   : v@1
     c3 5-6 x get   : u@2`,
  ),
  good(
    "an unknown write was overwritten before anybody looked",
    `c1 1-… x put u : ?
     c2 2-3 x put b : @5
     c3 4-5 x get   : b@5`,
  ),
  bad(
    "no room: an unknown write between two adjacent revisions",
    `c1 1-2 x put a  : @1
     c2 3-9 x put b  : @2 old
     c3 3-… x delete : ?
     c4 4-5 x get    : absent
     c4 6-7 x get    : b@2`,
  ),
  good(
    "an unknown cas explains what is read, and its condition held",
    `c1 1-2 x put a    : @1
     c1 3-… x cas u @1 : ?
     c2 4-5 x get      : u@2`,
  ),
  bad(
    "an unknown cas appears although its condition never held",
    `c1 1-2 x put a    : @1
     c1 3-… x cas u @7 : ?
     c2 4-5 x get      : u@2`,
  ),
  good(
    "an unknown delete makes room for an unknown cas that wants no item",
    `c1 1-2 x put a    : @1
     c1 3-… x delete   : ?
     c2 3-… x cas u @0 : ?
     c3 4-5 x get      : u@3`,
  ),
  good(
    "a refused cas learns of an unknown write",
    `c1 1-2 x put a    : @1
     c1 3-… x put u    : ?
     c2 4-5 x cas b @1 : refused @2
     c2 6-7 x get      : u@2`,
  ),
  // --- Conditions --------------------------------------------------------------------------------
  good(
    "cas: one of two wins",
    `c1 1-2 x put a    : @1
     c1 3-6 x cas b @1 : @2
     c2 4-5 x cas c @1 : refused @2
     c2 7-8 x get      : b@2`,
  ),
  bad(
    "cas: both win",
    `c1 1-2 x put a    : @1
     c1 3-6 x cas b @1 : @2
     c2 4-5 x cas c @1 : @3`,
  ),
  bad(
    "cas: refused although its revision was there all the time",
    `c1 1-2 x put a    : @1
     c1 3-4 x cas b @1 : refused @1`,
  ),
  bad(
    "cas: refused because of a revision that came later",
    `c1 1-2 x put a    : @1
     c1 3-4 x cas b @0 : refused @2
     c2 5-6 x put c    : @2`,
  ),
  bad(
    "cas: wins against an item that was replaced before",
    `c1 1-2 x put a    : @1
     c1 3-4 x put b    : @2
     c2 5-6 x cas c @1 : @3`,
  ),
  bad(
    "cas: two that want no item both win",
    `c1 1-4 x cas a @0 : @1
     c2 2-3 x cas b @0 : @2`,
  ),
  good(
    "cas: that wants no item wins after a delete",
    `c1 1-2 x put a    : @1
     c1 3-4 x delete   : @2 existed
     c2 5-6 x cas b @0 : @3`,
  ),
  // --- Revisions ---------------------------------------------------------------------------------
  bad(
    "a revision goes backwards",
    `c1 1-2 x put a : @5
     c1 3-4 x put b : @4`,
  ),
  bad(
    "a revision goes backwards across keys",
    `c1 1-2 x put a : @5
     c1 3-4 y put b : @4`,
  ),
  bad(
    "a revision is given twice on one key",
    `c1 1-4 x put a : @5
     c2 2-3 x put b : @5`,
  ),
  bad(
    "a revision is given twice, on two keys",
    `c1 1-4 x put a : @5
     c2 2-3 y put b : @5`,
  ),
  bad(
    "overlapping writes in the order of their revisions contradict the reads",
    `c1 1-9 x put a : @1
     c2 1-9 x put b : @2
     c3 2-3 x get   : b@2
     c3 4-5 x get   : a@1`,
  ),
  good(
    "overlapping writes in the order of their revisions",
    `c1 1-9 x put a : @2
     c2 1-9 x put b : @1
     c3 2-3 x get   : b@1
     c3 4-5 x get   : a@2`,
  ),
  bad(
    "a chain of overlaps that bends time",
    `c1 1-3 x put a : @1
     c2 2-5 x put b : @2
     c3 4-7 x get   : a@1
     c4 6-9 x get   : absent`,
  ),
];

function good(name: string, history: string): Case {
  return { name, linearizable: true, history };
}

function bad(name: string, history: string): Case {
  return { name, linearizable: false, history };
}
