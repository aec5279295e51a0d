/** Mistakes in consensus: who leads, what is committed, and what a read may see. */

import type { Mutant } from "./mutant.ts";

function of(file: string): Pick<Mutant, "file" | "net"> {
  return { file: `src/raft/${file}`, net: "sim" };
}

export const PROTOCOL_MUTANTS: readonly Mutant[] = [
  {
    name: "old-term-committed-by-counting",
    story: "A leader commits an entry of an earlier term because a majority has it.",
    ...of("replication.ts"),
    find: "  if (index <= core.commit || core.log.term(index) !== core.term) return;",
    replace: "  if (index <= core.commit) return;",
  },
  {
    name: "leader-counts-itself-early",
    story: "A leader counts its own copy before its disk has it.",
    ...of("replication.ts"),
    find: "id === core.id ? core.log.stable :",
    replace: "id === core.id ? core.log.last.index :",
  },
  {
    name: "vote-before-write",
    story: "A vote is sent while it is still on its way to the disk.",
    ...of("election.ts"),
    find: "  const outbox = granted ? core.sendAfterWrite : core.send;",
    replace: "  const outbox = core.send;",
  },
  {
    name: "vote-forgotten",
    story: "A restarted node has forgotten for whom it voted in its term.",
    ...of("core.ts"),
    net: "core",
    find: "    this.#vote = recovered.hard.vote;",
    replace: "    this.#vote = null;",
  },
  {
    name: "vote-for-outdated-log",
    story: "A node votes for a candidate that lacks entries which it has itself.",
    ...of("election.ts"),
    find: "  const granted = upToDate && free;",
    replace: "  const granted = free;",
  },
  {
    name: "accepted-before-write",
    story: "A follower accepts entries that are still on their way to its disk.",
    ...of("replication.ts"),
    find: '  core.sendAfterWrite.push({ kind: "accepted", ...reply, matched });',
    replace: '  core.send.push({ kind: "accepted", ...reply, matched });',
  },
  {
    name: "previous-entry-not-compared",
    story: "A follower appends entries without comparing the entry before them.",
    ...of("replication.ts"),
    find: "  if (!core.log.matches(previous)) {",
    replace: "  if (previous.index > core.log.last.index) {",
  },
  {
    name: "late-write-vouches",
    story: "The completion of an old write vouches for entries that replaced its own.",
    ...of("log.ts"),
    find:
      "      for (const write of this.#pending) write.last = Math.min(write.last, index - 1);\n",
    replace: "",
  },
  {
    name: "contradicting-log-kept",
    story: "A snapshot is installed over a log that contradicts it, and the log's end is kept.",
    ...of("core.ts"),
    net: "core",
    find: "    if (this.log.matches(position)) {\n      this.log.compact",
    replace: "    if (this.log.last.index >= position.index) {\n      this.log.compact",
  },
  {
    name: "read-without-round",
    story: "A leader answers reads without asking anybody whether it still leads.",
    ...of("reads.ts"),
    find: "    if (round > confirmedFor(core, leadership, id)) continue;\n",
    replace: "",
  },
  {
    name: "read-before-own-commit",
    story: "A fresh leader answers reads with a commit index that may be old.",
    ...of("reads.ts"),
    find: "  if (core.leadership && core.committedInOwnTerm) startRound",
    replace: "  if (core.leadership) startRound",
  },
  {
    name: "read-attempt-reused",
    story: "A repeated request carries the number of the one before, whose late answer then fits.",
    ...of("reads.ts"),
    find: "  reads.attempt++;\n",
    replace: "  if (idle) reads.attempt++;\n",
  },
  {
    name: "read-joins-departed-batch",
    story: "Reads join a batch whose request has left, so that their index is from before them.",
    ...of("reads.ts"),
    find: "through: reads.ticket,",
    replace: "through: reads.ticket + 1,",
  },
  {
    name: "old-echo-counts",
    story: "An echo of an earlier round confirms the present one.",
    ...of("reads.ts"),
    net: "core",
    find: "  progress.round = echo.round;",
    replace: "  progress.round = core.reads.round;",
  },
];
