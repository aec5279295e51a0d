/** Mistakes in the replica and its state machine: what is applied, answered and sent again. */

import type { Mutant } from "./mutant.ts";

function of(file: string): Pick<Mutant, "file" | "net"> {
  return { file: `src/${file}`, net: "sim" };
}

export const REPLICA_MUTANTS: readonly Mutant[] = [
  {
    name: "forward-sent-again",
    story: "A forwarded write whose link broke is sent again, though it may have happened.",
    ...of("node/outbound.ts"),
    find: "      settleAll(flight.submissions, failures.connectionLost(peer));",
    replace: "      this.putBack(flight.submissions, peer);",
  },
  {
    name: "timeout-reported-as-failure",
    story: "A write without an answer is said to have had no effect.",
    ...of("node/submission.ts"),
    find: '    code: "timeout",\n    effect: "unknown",',
    replace: '    code: "timeout",\n    effect: "none",',
  },
  {
    name: "own-proposals-given-up",
    story:
      "A new term settles what the leader proposed in it, as if another leader's came instead.",
    ...of("node/proposals.ts"),
    find: "(at, { term }) => at > entry.index && term < entry.term,",
    replace: "(at) => at > entry.index,",
  },
  {
    name: "answer-of-another-entry",
    story: "A write is answered with what became of another leader's entry at its index.",
    ...of("node/proposals.ts"),
    find: `    if (entry.term > this.#appliedTerm) {
      this.#appliedTerm = entry.term;
      // Else those that nothing takes the place of would wait in vain until their deadline.
      this.#failWhere(
        (at, { term }) => at > entry.index && term < entry.term,
        failures.overwritten(leader),
      );
    }
    const proposal = this.#take(entry.index);
    if (proposal === undefined) return;
    const own = proposal.term === entry.term && outcome !== null;`,
    replace: `    const proposal = this.#take(entry.index);
    if (proposal === undefined) return;
    const own = outcome !== null;`,
  },
  {
    name: "skipped-outcome-reported-as-failure",
    story: "A write whose outcome a snapshot skipped is said to have had no effect.",
    ...of("node/submission.ts"),
    find: '    effect: "unknown",\n    reason: "this node caught up by a snapshot',
    replace: '    effect: "none",\n    reason: "this node caught up by a snapshot',
  },
  {
    name: "transaction-in-part",
    story: "A transaction leaves out the first of its changes.",
    ...of("kv/store.ts"),
    find: "for (const mutation of mutations) this.#mutate(mutation);",
    replace: "for (const mutation of mutations.slice(1)) this.#mutate(mutation);",
  },
  {
    name: "list-without-a-round",
    story: "A list that is to be linearizable is served as a stale one.",
    ...of("service/service.ts"),
    find: 'if (consistency === "linearizable") {',
    replace: 'if (consistency === "stale") {',
  },
  {
    name: "read-before-applied",
    story: "A read is served as soon as its index is known, applied or not.",
    ...of("node/reads.ts"),
    find: "batch.index === null || batch.index > index) return;",
    replace: "batch.index === null || batch.index > index + 1_000_000) return;",
  },
  {
    name: "read-index-reused",
    story: "Reads that came later are served at the index that was fixed for earlier ones.",
    ...of("node/reads.ts"),
    find: "      if (batch.ticket <= through) batch.index ??= index;",
    replace: "      batch.index ??= index;",
  },
  {
    name: "checks-before-the-log",
    story: "The condition of a write is judged by the node that takes it, not in the log.",
    ...of("node/node.ts"),
    find: "    this.#schedule();\n    return this.#writes.submit(command, deadlineAt);",
    replace: "    this.#schedule();\n" +
      "    const holds = command.checks.every((check) => check.kind === 'exists' ||\n" +
      "      (this.state.get(check.key)?.revision ?? 0) === check.revision);\n" +
      "    const judged = holds ? { ...command, checks: [] } : command;\n" +
      "    return this.#writes.submit(judged, deadlineAt);",
  },
  {
    name: "mark-before-snapshot",
    story: "The log is marked with a snapshot that is still being written.",
    ...of("node/snapshots.ts"),
    find: "    const durable = await this.#snapshotter.take(ref, image);\n    if (durable) input",
    replace: "    void this.#snapshotter.take(ref, image);\n    input",
  },
  {
    name: "applied-while-restoring",
    story: "Entries are applied to the old state while a snapshot is loaded to replace it.",
    ...of("node/applier.ts"),
    find: "    if (this.#loading) return false;\n",
    replace: "",
  },
  {
    name: "installed-before-verified",
    story: "A received snapshot is installed before its file is verified and in place.",
    ...of("node/snapshot_intake.ts"),
    find: "    const finished = await transfer.receiver.finish();",
    replace: "    const finishing = transfer.receiver.finish();\n" +
      "    this.#deliver(from, chunk);\n    const finished = await finishing;",
  },
  {
    name: "applied-index-not-in-image",
    story: "An image does not say which entries it reflects, so that a restart applies some again.",
    ...of("kv/image_loader.ts"),
    find: "    this.#state.restoreCounters(applied, reader.u64());",
    replace: "    this.#state.restoreCounters(applied - 1, reader.u64());",
  },
  {
    name: "records-not-in-image",
    story: "A snapshot leaves the records out, so that a restart forgets tokens and policies.",
    ...of("kv/store.ts"),
    find: "      records: this.#records.all(),",
    replace: "      records: [],",
  },
  {
    name: "image-not-frozen",
    story: "A snapshot is written from the live state, while later entries change it.",
    ...of("kv/views.ts"),
    find: "items.order.freeze()",
    replace: "items.order.runs",
  },
  {
    name: "time-not-in-image",
    story: "The cluster's time is not part of the image, so that a restart forgets it.",
    ...of("kv/image_loader.ts"),
    find: "    this.#state.restoreCounters(applied, reader.u64());",
    replace: "    this.#state.restoreCounters(applied, 0 * reader.u64());",
  },
  {
    name: "clock-in-apply",
    story: "Each node applies a command with the time of its own clock.",
    ...of("kv/store.ts"),
    find: "    this.#timeMs = Math.max(this.#timeMs, command.value.timeMs);",
    replace: "    this.#timeMs = Math.max(this.#timeMs, command.value.timeMs +\n" +
      "      Math.floor(performance.now() % 100));",
  },
  {
    name: "revision-counts-per-key",
    story: "Revisions count the writes of a key, so that a deleted key starts over.",
    ...of("kv/store.ts"),
    find: "contentType, revision: this.#applied, expiresMs }",
    replace: "contentType, revision: (this.get(key)?.revision ?? 0) + 1, expiresMs }",
  },
  {
    name: "image-shares-slots",
    story: "A write changes an item in place that an image which is being stored refers to.",
    ...of("kv/store.ts"),
    find: "    this.#views.keep(slot, held);\n",
    replace: "",
  },
  {
    name: "half-a-command",
    story: "A command whose check fails still changes what it would have changed.",
    ...of("kv/store.ts"),
    find:
      '      return { kind: "checkFailed", check, revision: this.#revisionOf(checks[check] as Check) };',
    replace: "      for (const one of mutations) this.#mutate(one);\n" +
      '      return { kind: "checkFailed", check, revision: this.#revisionOf(checks[check] as Check) };',
  },
  {
    name: "watch-passes-over-a-gap",
    story: "A watch that history has left behind goes on with what there still is.",
    ...of("kv/history.ts"),
    find: "    if (!whole) return null;\n",
    replace: "",
  },
  {
    name: "watch-resumes-at-now",
    story: "A watch that is to go on behind a cursor begins with what happens next.",
    ...of("service/watch.ts"),
    find: "this.#cursor = request.after ?? replica.state.now;",
    replace: "this.#cursor = replica.state.now;",
  },
  {
    name: "history-older-than-the-snapshot",
    story: "After a snapshot, a node claims to know all changes since the beginning.",
    ...of("kv/store.ts"),
    find: "    this.#history = new History(applied);",
    replace: "    this.#history = new History(0);",
  },
  {
    name: "requests-not-in-image",
    story: "A snapshot leaves out which requests were done, so that one sent again happens twice.",
    ...of("kv/store.ts"),
    find: "      requests: this.#requests.frozen(limits.imageBlockBytes - HEAD_BYTES),",
    replace: "      requests: [],",
  },
  {
    name: "request-remembered-by-its-taker",
    story: "Which requests were done is forgotten at once, as if each node were asked only once.",
    ...of("kv/store.ts"),
    find: "    this.#requests.add(name, { proof, outcome, timeMs: this.#timeMs });\n",
    replace: "",
  },
  {
    name: "expires-too-early",
    story: "An item goes up to half a second before its time, with others that are due.",
    ...of("kv/expiries.ts"),
    find: "timeOf(entry) > timeMs)",
    replace: "timeOf(entry) > timeMs + 500)",
  },
  {
    name: "expires-by-each-nodes-clock",
    story: "What is due when the command is applied goes by the clock of each node.",
    ...of("kv/store.ts"),
    find: "this.#expiries.due(this.#timeMs, countMax)",
    replace: "this.#expiries.due(this.#timeMs - Math.floor(performance.now() % 100), countMax)",
  },
  {
    name: "rewritten-item-stays-due",
    story: "An item that is written again without a lifetime still goes when it was to go before.",
    ...of("kv/store.ts"),
    find: "    this.#setExpiry(slot, key, item.expiresMs ?? 0);",
    replace: "    this.#setExpiry(slot, key, item.expiresMs || this.#items.expiresMs(slot));",
  },
  {
    name: "expiry-not-in-image",
    story: "When items expire is no part of the image, nor of the digest.",
    ...of("kv/store.ts"),
    find: "      expiries: this.#expiries.frozen(),",
    replace: "      expiries: [],",
  },
  {
    name: "lifetime-starts-over",
    story: "A node that loads an image counts the lifetimes of its items from then on.",
    ...of("kv/image_loader.ts"),
    find: "      const expiresMs = reader.u64();",
    replace: "      const expiresMs = reader.u64() + 1_000;",
  },
  {
    name: "silence-keeps-items",
    story: "The leader looks at the time of the log alone, which stands still where nobody writes.",
    ...of("node/expirer.ts"),
    find: "return kv.nextExpiryMs <= Math.max(kv.timeMs, clock.wallTime());",
    replace: "return kv.nextExpiryMs <= kv.timeMs;",
  },
];
