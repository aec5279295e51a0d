/**
 * Looks behind what nodes say at what their devices hold at that very moment: were the power to
 * fail now, the vote, the acknowledgement and the answer to the client would have to be there.
 *
 * A crash at the right moment would show the same, but the right moment is rare; this asks at every
 * vote, and at some of the acknowledgements and answers.
 */

import assert from "node:assert/strict";
import { nativeHash } from "../../src/platform/mod.ts";
import { decodeMessage } from "../../src/peers/codec.ts";
import type { Accepted, Message, Recovered, VoteReply } from "../../src/raft/mod.ts";
import { identityPath, readIdentity } from "../../src/storage/identity.ts";
import { recoverLog, recoverState } from "../../src/storage/recovery.ts";
import { SnapshotFiles } from "../../src/storage/snapshots.ts";
import type { SimCluster } from "../support/sim_cluster.ts";

/** Time between two looks at the acknowledgements of one node, or at the answers of all, */
const EVERY_MS = 1_000;
/** more for large disks, of which a look reads everything. */
const BYTES_PER_MS = 100;
/** Frames as `src/peers` spells them: length u32, check u32, kind u8, body. */
const FRAME_HEADER_BYTES = 9;
const VOTE_REQUEST = 10;
const VOTE_REPLY = 11;
const ACCEPTED = 13;
const hash = nativeHash();

export class Audit {
  readonly #cluster: () => SimCluster;
  readonly #isDamaged: (id: string) => boolean;
  readonly #dueAt = new Map<string, number>();
  /** For whom each node voted last. */
  readonly #votes = new Map<string, { readonly term: number; readonly candidate: string }>();
  /** How often a device was looked at. */
  looks = 0;

  constructor(options: { cluster: () => SimCluster; isDamaged: (id: string) => boolean }) {
    this.#cluster = options.cluster;
    this.#isDamaged = options.isDamaged;
  }

  /** How far the log on the disk of `id` goes. */
  lastDurable(id: string): number {
    return lastIndex(this.#durable(id));
  }

  /** A node hands these bytes to its link: frames, none of them cut. */
  sent(from: string, to: string, bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < bytes.length; at += 4 + view.getUint32(at, true)) {
      const kind = bytes[at + FRAME_HEADER_BYTES - 1] as number;
      if (kind !== VOTE_REQUEST && kind !== VOTE_REPLY && kind !== ACCEPTED) continue;
      const body = bytes.slice(at + FRAME_HEADER_BYTES, at + 4 + view.getUint32(at, true));
      const message = decodeMessage({ kind, body }, { from, to });
      assert.ok(message.ok && message.value.kind === "raft", "a node sends what others can read");
      this.#promised(from, message.value.message);
    }
  }

  /** A client was told that the entry at `index` is committed. */
  acknowledged(index: number): void {
    const cluster = this.#cluster();
    if (cluster.ids.some(this.#isDamaged) || !this.#isDue("clients")) return;
    const holders = cluster.ids.filter((id) => lastIndex(this.#durable(id)) >= index);
    assert.ok(
      2 * holders.length > cluster.ids.length,
      `a client was told of write ${index} that only the disks of [${holders}] hold`,
    );
  }

  #promised(id: string, message: Message): void {
    if (this.#isDamaged(id)) return;
    const { kind, term } = message;
    if (kind === "voteRequest" && !message.pre) this.#voteOnce(id, term, id);
    if (kind === "voteReply" && message.granted && !message.pre) {
      this.#voteOnce(id, term, message.to);
      this.#vote(id, message);
    }
    if (kind === "accepted" && this.#isDue(id)) this.#accepted(id, message);
  }

  /** Of all its processes together, a node votes for one candidate in a term (R7). */
  #voteOnce(id: string, term: number, candidate: string): void {
    const before = this.#votes.get(id);
    const once = before?.term !== term || before.candidate === candidate;
    assert.ok(once, `${id} votes for ${before?.candidate} and ${candidate} in term ${term}`);
    if (term > (before?.term ?? 0)) this.#votes.set(id, { term, candidate });
  }

  #vote(id: string, { to, term }: VoteReply): void {
    const hard = this.#durable(id)?.hard ?? { term: 0, vote: null };
    const kept = hard.term > term || (hard.term === term && hard.vote === to);
    const found = `${hard.vote} in term ${hard.term}`;
    assert.ok(kept, `${id}@${term} votes for ${to}, but its disk says ${found}`);
  }

  #accepted(id: string, { term, matched }: Accepted): void {
    const durable = this.#durable(id);
    const last = lastIndex(durable);
    const kept = last >= matched || (durable !== null && durable.hard.term > term);
    assert.ok(kept, `${id}@${term} accepts up to ${matched}, but its disk ends at ${last}`);
  }

  #isDue(who: string): boolean {
    const cluster = this.#cluster();
    const now = cluster.clock.now();
    if (now < (this.#dueAt.get(who) ?? 0)) return false;
    const sizeBytes = cluster.ids.reduce((sum, id) => sum + cluster.disk(id).usedBytes, 0);
    this.#dueAt.set(who, now + EVERY_MS + sizeBytes / BYTES_PER_MS);
    return true;
  }

  /** What recovery finds when everything is gone that was not synced; null: a new directory. */
  #durable(id: string): Recovered | null {
    this.looks++;
    const cluster = this.#cluster();
    const disk = cluster.disk(id).afterCrash("drop");
    const identity = readIdentity(disk, hash, identityPath("data"));
    assert.ok(identity.ok, `${id}: ${identity.ok || identity.error.reason}`);
    if (identity.value === undefined) return null;
    const owner = identity.value;
    const log = recoverLog({ disk, hash, walPath: "data/wal", owner });
    assert.ok(log.ok, `${id}: ${log.ok || log.error.reason}`);
    const path = "data/snapshots";
    const files = { disk, hash, clock: cluster.clock, cluster: owner.cluster };
    const snapshots = new SnapshotFiles({ ...files, path, incomingPath: "data/incoming" });
    const state = recoverState(log.value.replay, snapshots, path);
    assert.ok(state.ok, `${id}: ${state.ok || state.error.reason}`);
    return state.value.recovered;
  }
}

function lastIndex(durable: Recovered | null): number {
  return durable?.entries.at(-1)?.index ?? durable?.snapshot.position.index ?? 0;
}
