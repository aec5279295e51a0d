/** How much is applied in one turn. */

import assert from "node:assert/strict";
import { limits, utf8 } from "../../src/base/mod.ts";
import { encodeCommand, KvState, type Step } from "../../src/kv/mod.ts";
import { Applier } from "../../src/node/applier.ts";
import { Outbound } from "../../src/node/outbound.ts";
import { nativeHash } from "../../src/platform/mod.ts";
import type { Entry, Raft } from "../../src/raft/mod.ts";
import type { SnapshotStore } from "../../src/storage/mod.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

/** An applier, and a log that is committed as a whole. */
function worldOf(payloads: readonly Uint8Array[]) {
  const entries = payloads.map((payload, at): Entry => (
    { index: at + 1, term: 1, kind: "command", payload }
  ));
  const raft = {
    commit: entries.length,
    entries: (from: number, to: number, { countMax }: { countMax: number }) =>
      entries.slice(from - 1, Math.min(to, from - 1 + countMax)),
    applied: () => {},
  } as unknown as Raft;
  const hooks = { onApplied: () => {}, onRestored: () => {}, onFailure: () => {} };
  const hash = nativeHash();
  const snapshots = {} as SnapshotStore;
  const options = { clock: new VirtualClock(), hash, snapshots, hooks };
  return { raft, applier: new Applier(options, new KvState(hash)) };
}

function transaction(steps: readonly Step[]): Uint8Array {
  return encodeCommand({ checks: [], steps, elseSteps: [] });
}

Deno.test("Applier.advance() ends its turn when entries cost much, however few and short they are", () => {
  const append = (bytes: number): Step => (
    { kind: "append", key: utf8("k"), value: new Uint8Array(bytes), bytesMax: 8 * 1024 * 1024 }
  );
  const grow = new Array<Step>(2).fill(append(0));
  const heavy = new Array(100).fill(transaction(grow));
  const { raft, applier } = worldOf([transaction([append(4 * 1024 * 1024)]), ...heavy]);
  const turns: number[] = [];
  for (let more = true; more;) {
    const before = applier.applied;
    more = applier.advance(raft);
    turns.push(applier.applied - before);
  }
  assert.equal(applier.applied, 101);
  // 8 MiB are planned and 8 MiB written by each, and a turn may do 16 MiB.
  assert.ok(turns.every((entries) => entries <= 2), turns.join(" "));
});

Deno.test("Applier.advance() is held up by no more than its count where entries cost little", () => {
  const put = transaction([{ kind: "put", key: utf8("k"), value: utf8("v"), contentType: "" }]);
  const { raft, applier } = worldOf(new Array(limits.applyEntriesPerTurnMax + 1).fill(put));
  assert.equal(applier.advance(raft), true);
  assert.equal(applier.applied, limits.applyEntriesPerTurnMax);
  assert.equal(applier.advance(raft), false);
});

Deno.test("Outbound.forward() puts so many into a frame that their outcomes fit into one as well", () => {
  const outbound = new Outbound(1);
  const outcomeBytesMax = limits.transactionResultBytesMax;
  for (let i = 0; i < 50; i++) {
    const command = Uint8Array.of(1);
    outbound.push({ command, outcomeBytesMax, deadlineAt: 1_000, settle: () => {} });
  }
  const frames: number[] = [];
  outbound.forward("n2", 0, (_to, { commands }) => frames.push(commands.length) > 0);
  assert.equal(frames.reduce((sum, count) => sum + count), 50);
  for (const count of frames) assert.ok(count * outcomeBytesMax < limits.peerFrameBytesMax);
});
