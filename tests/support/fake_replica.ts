/**
 * A Replica that is a map: it answers at once, or as a test tells it to.
 */

import { err, ok, type Result } from "../../src/base/mod.ts";
import type {
  Command,
  Item,
  Mutation,
  Outcome,
  RecordKind,
  StateRecord,
} from "../../src/kv/mod.ts";
import type {
  ClusterStatus,
  Failure,
  NodeMetrics,
  NodeStatus,
  Replica,
} from "../../src/node/mod.ts";
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
  recordsVersion = 0;
  /** Set: no record can be added. */
  recordsFull = false;
  readonly #items = new Map<string, Item>();
  readonly #records = new Map<string, StateRecord>();
  #index = 0;

  /** Puts an item there without a command. */
  store(key: string, value: Uint8Array, contentType = ""): number {
    this.#index++;
    this.#items.set(key, { value, contentType, revision: this.#index });
    return this.#index;
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

  read(key: Uint8Array): Item | undefined {
    return this.#items.get(name(key));
  }

  records(kind: RecordKind): StateRecord[] {
    return [...this.#records.values()].filter((record) => record.kind === kind);
  }

  /** What `authorise` was called with last. */
  authorised: ReadonlyMap<string, readonly Uint8Array[]> | undefined;
  linkPeers: ReturnType<Replica["linkKeys"]>["peers"] = [];

  authorise(authorised: ReadonlyMap<string, readonly Uint8Array[]>): void {
    this.authorised = authorised;
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
      items: this.#items.size,
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
    const revisions = command.checks.map((check) =>
      check.kind === "record"
        ? this.#records.get(`${check.of} ${check.name}`)?.revision ?? 0
        : this.read(check.key)?.revision ?? 0
    );
    const failed = command.checks.findIndex((check, at) => {
      const revision = revisions[at] as number;
      return check.kind === "exists" ? revision === 0 : revision !== check.revision;
    });
    if (failed >= 0) {
      return { kind: "checkFailed", check: failed, revision: revisions[failed] as number };
    }
    const adds = command.mutations.some(({ kind }) => kind === "setRecord");
    if (this.recordsFull && adds) return { kind: "recordsFull" };
    this.#index++;
    const existed = command.mutations.map((mutation) => this.#mutate(mutation));
    return { kind: "applied", revision: this.#index, existed };
  }

  #mutate(mutation: Mutation): boolean {
    const revision = this.#index;
    if (mutation.kind === "setRecord" || mutation.kind === "deleteRecord") {
      this.recordsVersion = revision;
      const key = `${mutation.of} ${mutation.name}`;
      const existed = this.#records.has(key);
      if (mutation.kind === "deleteRecord") return this.#records.delete(key);
      this.#records.set(key, { ...mutation, kind: mutation.of, revision });
      return existed;
    }
    const key = name(mutation.key);
    const existed = this.#items.has(key);
    if (mutation.kind === "delete") this.#items.delete(key);
    else this.#items.set(key, { ...mutation, revision });
    return existed;
  }
}

function name(key: Uint8Array): string {
  return String.fromCharCode(...key);
}
