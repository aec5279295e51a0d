/**
 * Mistakes that the explorer must find: each is one replacement in one file of the core, at the one
 * place where `find` stands. The last group are mistakes that the core once made.
 */

export type Mutant = {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
};

function mutant(name: string, file: string, find: string, replace: string): Mutant {
  return { name, file, find, replace };
}

export const MUTANTS: readonly Mutant[] = [
  // --- Commitment -------------------------------------------------------------------------------
  mutant(
    "commits entries of earlier terms by counting",
    "replication.ts",
    " || core.log.term(index) !== core.term",
    "",
  ),
  mutant(
    "counts itself before its own disk has the entry",
    "replication.ts",
    "id === core.id ? core.log.stable :",
    "id === core.id ? core.log.last.index :",
  ),
  mutant(
    "counts half of the voters as a majority",
    "quorum.ts",
    "Math.floor(voters / 2) + 1",
    "Math.ceil(voters / 2)",
  ),
  mutant(
    "commits what it does not have",
    "replication.ts",
    "core.commitTo(Math.min(message.commit, matched));",
    "core.commitTo(message.commit);",
  ),
  mutant(
    "heartbeats carry a commit index that the follower may not have",
    "replication.ts",
    "commit: Math.min(progress.matched, core.commit),",
    "commit: core.commit,",
  ),
  // --- Persist before reply ---------------------------------------------------------------------
  mutant(
    "answers a vote request before the vote is stored",
    "election.ts",
    "const outbox = granted ? core.sendAfterWrite : core.send;",
    "const outbox = core.send;",
  ),
  mutant(
    "accepts entries before they are stored",
    "replication.ts",
    'core.sendAfterWrite.push({ kind: "accepted", ...reply, matched });',
    'core.send.push({ kind: "accepted", ...reply, matched });',
  ),
  mutant(
    "accepts a snapshot before its mark is stored",
    "snapshot.ts",
    "core.sendAfterWrite.push({",
    "core.send.push({",
  ),
  mutant(
    "forgets the hard state unless entries are written, too",
    "raft.ts",
    "const hard = core.hardDirty ? core.takeHard() : null;",
    "const hard = core.hardDirty && core.log.hasUnwritten ? core.takeHard() : null;",
  ),
  mutant(
    "forgets its vote on restart",
    "core.ts",
    "this.#vote = recovered.hard.vote;",
    "this.#vote = null;",
  ),
  // --- Elections --------------------------------------------------------------------------------
  mutant(
    "votes for outdated logs",
    "election.ts",
    "const granted = upToDate && free;",
    "const granted = free;",
  ),
  mutant(
    "compares logs by length alone",
    "log.ts",
    "return other.term > last.term || (other.term === last.term && other.index >= last.index);",
    "return other.index >= last.index;",
  ),
  mutant(
    "votes twice in a term",
    "election.ts",
    ": core.vote === from || (core.vote === null && core.leader === null);",
    ": true;",
  ),
  mutant(
    "takes messages of earlier terms for current ones",
    "raft.ts",
    "if (term >= core.term) return true;",
    "if (term >= core.term - 1) return true;",
  ),
  mutant(
    "goes into an election without a pre-vote",
    "election.ts",
    "campaign(core, { pre: true, transfer: false });",
    "campaign(core, { pre: false, transfer: false });",
  ),
  mutant(
    "votes although it hears a leader",
    "election.ts",
    "return core.leader !== null && core.ticksQuiet < core.options.electionTicks;",
    "return false;",
  ),
  mutant(
    "leads on without hearing anybody",
    "replication.ts",
    "if (!reachesMajority(core, leadership)) core.becomeFollower(core.term, null);",
    "reachesMajority(core, leadership);",
  ),
  // --- Log and snapshots ------------------------------------------------------------------------
  mutant(
    "appends without looking at the entry before",
    "replication.ts",
    "if (!core.log.matches(previous)) {",
    "if (previous.index > core.log.last.index) {",
  ),
  mutant(
    "truncates entries that it has already",
    "replication.ts",
    "if (known === entry.term) return;",
    "",
  ),
  mutant(
    "lets an old write vouch for an entry re-appended at its place",
    "log.ts",
    "for (const write of this.#pending) write.last = Math.min(write.last, index - 1);",
    "",
  ),
  mutant(
    "keeps its stable mark over a truncation",
    "log.ts",
    "this.#stable = Math.min(this.#stable, index - 1);",
    "",
  ),
  mutant(
    "does not tell storage that a snapshot replaced the log",
    "log.ts",
    "if (this.#written > mark) this.#truncatedFrom = mark + 1;",
    "",
  ),
  mutant(
    "installs a snapshot older than what it has committed",
    "snapshot.ts",
    "if (position.index > core.commit)",
    "if (position.index > core.snapshot.position.index)",
  ),
  mutant(
    "throws away the entries that continue a snapshot",
    "core.ts",
    "if (this.log.matches(position)) {",
    "if (this.log.matches(position) && this.log.last.index === position.index) {",
  ),
  mutant(
    "does not store the mark of its own snapshot",
    "snapshot.ts",
    "core.snapshot = core.mark = snapshot;",
    "core.snapshot = snapshot;",
  ),
  // --- Membership -------------------------------------------------------------------------------
  mutant(
    "keeps a membership whose entry was truncated",
    "core.ts",
    "this.memberships.truncate(index);",
    "",
  ),
  mutant(
    "allows a second change before the first is committed",
    "raft.ts",
    'if (core.memberships.index > core.commit) return err("pending");',
    "",
  ),
  mutant(
    "changes members before its first commit",
    "raft.ts",
    'if (!core.committedInOwnTerm) return err("notReady");',
    "",
  ),
  mutant(
    "changes two voters at once",
    "membership.ts",
    "if (added + removed > 1)",
    "if (added + removed > 2)",
  ),
  mutant(
    "puts the newest membership into every snapshot",
    "raft.ts",
    "membership: this.#core.memberships.at(index)",
    "membership: this.#core.memberships.current",
  ),
  mutant(
    "leads on after its own removal is committed",
    "replication.ts",
    "if (removed) {",
    "if (removed && core.halted !== null) {",
  ),
  // --- Reads ------------------------------------------------------------------------------------
  mutant(
    "serves reads before its first commit",
    "reads.ts",
    "if (core.leadership && core.committedInOwnTerm) startRound",
    "if (core.leadership) startRound",
  ),
  mutant(
    "takes one node's asking for an echo to all",
    "reads.ts",
    "id === self || id === asker",
    "id === self || reads.asked.has(id)",
  ),
  mutant(
    "answers reads without a round",
    "reads.ts",
    "if (round > confirmedFor(core, leadership, id)) continue;",
    "",
  ),
  mutant(
    "counts echoes of older rounds",
    "reads.ts",
    "progress.round = echo.round;",
    "progress.round = core.reads.round;",
  ),
  mutant(
    "asks again with the attempt of before",
    "reads.ts",
    "reads.attempt++;",
    "if (reads.flight === null) reads.attempt++;",
  ),
  mutant(
    "lets reads join a batch whose request has left",
    "reads.ts",
    "through: reads.ticket,",
    "through: reads.ticket + 1,",
  ),
  // --- Flow -------------------------------------------------------------------------------------
  mutant(
    "sends without a bound",
    "progress.ts",
    "return this.#inFlight.length < limits.inflightAppendsMax &&",
    "return this.#inFlight.length >= 0 &&",
  ),
  // --- Once made --------------------------------------------------------------------------------
  mutant(
    "probes behind the no-op, with nothing to send",
    "replication.ts",
    "new Progress(core.log.last.index)",
    "new Progress(core.log.last.index + 1)",
  ),
  mutant(
    "stands no more once it has appended its own removal",
    "core.ts",
    "return this.memberships.since(this.#commit).some((one) => isVoter(one, id, directory));",
    "return this.isVoter;",
  ),
  mutant(
    "hands over only to who was heard in this moment",
    "transfer.ts",
    "isHeard(core.options.electionTicks)",
    "isHeard(1)",
  ),
  mutant(
    "never asks what became of a snapshot",
    "replication.ts",
    'if (progress.mode === "snapshot") askPosition(core, id);\n      else if',
    "if",
  ),
  mutant(
    "waits for ever on a full pipeline whose end is compacted away",
    "replication.ts",
    "if (core.log.term(progress.next - 1) === undefined) progress.lost();",
    "if (core.log.term(progress.next - 1) === undefined) return;",
  ),
  mutant(
    "tells the commit index to a follower that needs a snapshot",
    "replication.ts",
    "if (hasAll && progress.ready &&",
    "if (progress.ready &&",
  ),
  mutant(
    "stands again while its vote is still being stored",
    "election.ts",
    " || isVoteBeingStored(core)",
    "",
  ),
  mutant(
    "draws the shortest election timeout from one value",
    "core.ts",
    "random.below(Math.floor(electionTicks * 0.6) + 1)",
    "random.below(Math.max(1, Math.floor(electionTicks * 0.6)))",
  ),
];
