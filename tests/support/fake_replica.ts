/**
 * A Replica that is a state machine without a log: it answers at once, or as a test tells it to.
 */

import { Bell, err, ok, type Result } from "../../src/base/mod.ts";
import {
  type Command,
  encodeCommand,
  KvState,
  type Mutation,
  type Outcome,
} from "../../src/kv/mod.ts";
import type {
  ClusterStatus,
  Failure,
  NodeMetrics,
  NodeStatus,
  Replica,
} from "../../src/node/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";
import { fakeMetrics } from "./fake_metrics.ts";

export class FakeReplica implements Replica {
  readonly id = "n1";
  /** What the next calls answer instead, until it is cleared. */
  failure: Failure | null = null;
  /** Set: every answer waits for it. */
  gate: Promise<void> | null = null;
  readonly commands: Command[] = [];
  readonly deadlinesMs: number[] = [];
  linearizeCalls = 0;
  clusterStatusCalls = 0;
  members: ClusterStatus["members"] = [];
  /** Set: no record can be added. */
  recordsFull = false;
  state = new KvState(nativeHash());
  readonly advances = new Bell();

  /** Puts an item there without a command. */
  store(key: string, value: Uint8Array, contentType = ""): number {
    this.change({ kind: "put", key: latin1(key), value, contentType });
    return this.state.applied;
  }

  /** Changes the state, as an entry of the log does. */
  change(...mutations: Mutation[]): void {
    this.#apply({ checks: [], mutations });
  }

  async execute(borrowed: Command, deadlineMs: number): Promise<Result<Outcome, Failure>> {
    const command = structuredClone(borrowed); // its bytes are the caller's again after this turn
    this.commands.push(command);
    this.deadlinesMs.push(deadlineMs);
    if (this.gate !== null) await this.gate;
    if (this.failure !== null) return err(this.failure);
    return ok(this.#apply(command));
  }

  async linearize(deadlineMs: number): Promise<Result<void, Failure>> {
    this.linearizeCalls++;
    this.deadlinesMs.push(deadlineMs);
    if (this.gate !== null) await this.gate;
    return this.failure === null ? ok() : err(this.failure);
  }

  /** What `authorise` was called with last. */
  authorised: ReadonlyMap<string, readonly Uint8Array[]> | undefined;
  linkPeers: ReturnType<Replica["linkKeys"]>["peers"] = [];

  authorise(authorised: ReadonlyMap<string, readonly Uint8Array[]>): void {
    this.authorised = authorised;
  }

  renewals = 0;

  renewLinks(): void {
    this.renewals++;
  }

  linkKeys(): ReturnType<Replica["linkKeys"]> {
    return { authorised: this.authorised, peers: this.linkPeers, refused: [] };
  }

  status(): NodeStatus {
    return {
      id: this.id,
      version: "0.1.0",
      role: "leader",
      term: 3,
      leader: this.id,
      lastIndex: 10,
      commit: 10,
      applied: 9,
      snapshotIndex: 0,
      firstIndex: 1,
      items: this.state.size,
      digest: "00",
      uptimeMs: 1000,
      diskFreeBytes: 1,
      diskFull: false,
    };
  }

  metrics(): NodeMetrics {
    return fakeMetrics(this.status());
  }

  clusterStatus(): Promise<ClusterStatus> {
    this.clusterStatusCalls++;
    return Promise.resolve({ cluster: "keva", answeredBy: this.id, members: this.members });
  }

  #apply(command: Command): Outcome {
    const adds = "mutations" in command &&
      command.mutations.some(({ kind }) => kind === "setRecord");
    if (this.recordsFull && adds) return { kind: "recordsFull" };
    const outcome = this.state.apply(this.state.applied + 1, encodeCommand(command));
    this.advances.ring(this.state.applied);
    return outcome;
  }
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
