/** What the commit index on disk may speak of. */

import assert from "node:assert/strict";
import { type Entry, Raft } from "../../src/raft/mod.ts";
import { SeededRandom } from "../support/seeded_random.ts";

Deno.test("Raft: the commit index on disk speaks only of entries that are there already", () => {
  // Storage may put a write on disk in parts: hard state first, entries last. Were the power to
  // fail in between, the entries to be replaced would stand below the new commit index.
  const voters = ["n1", "n2", "n3"].map((id) => ({ id, directory: "" }));
  const raft = new Raft(
    { id: "n3", random: new SeededRandom(1), electionTicks: 10, heartbeatTicks: 2 },
    {
      hard: { term: 1, vote: null, commit: 1 },
      snapshot: { position: { index: 0, term: 0 }, membership: { voters, learners: [] } },
      entries: [entry(1, 1), entry(2, 1), entry(3, 1)],
    },
  );
  raft.step({
    kind: "append",
    from: "n1",
    to: "n3",
    term: 2,
    previous: { index: 1, term: 1 },
    commit: 3,
    entries: [entry(2, 2), entry(3, 2)],
  });
  const { write, commit } = raft.take();
  assert.equal(commit, 3, "they are committed, since a majority has them");
  assert.equal(write?.truncateFrom, 2);
  assert.equal(write?.hard?.commit, 1, "but this disk does not have them");
});

function entry(index: number, term: number): Entry {
  return { index, term, kind: "command", payload: new Uint8Array(4) };
}
