/**
 * HTTP clients of the nodes: each sends one operation at a time to its node, on a connection that
 * it keeps, and records what it was told. A client stays with its node, so that a node that hangs
 * takes its own clients along and no others.
 */

import type { Call, Outcome } from "../../lin/history.ts";
import { Recorder } from "../../lin/recorder.ts";
import type { SeededRandom } from "../../support/seeded_random.ts";
import type { Node } from "../support/cluster.ts";
import { type Answer, HttpClient, RequestError, type RequestOptions } from "../support/http.ts";
import { bytesOf, keyTarget, problemOf, textOf } from "../support/kv.ts";
import { pause } from "../support/wait.ts";

export type ClientsOptions = {
  readonly nodes: readonly Node[];
  readonly random: SeededRandom;
  readonly perNode: number;
};

const TIMEOUT_SECONDS = 1.5;
/** Longer than any node is frozen: what it answers when it goes on is the answer to mistrust. */
const PATIENCE_MS = 8_000;
/** A client that was refused comes again after a while, and not in step with the others. */
const REFUSED_MS_MAX = 50;
/** Of 100 operations. */
const HOT_PERCENT = 40;
const READ_PERCENT = 50;
const HOT_KEYS = 4;
/** Hot keys change with time: what is unknown of a write is settled by no later one. */
const OPERATIONS_PER_HEAT = 20_000;
const COLD_KEYS = 1_000;
const VALUE_BYTES_MAX = 400;
const LARGE_VALUE_BYTES = 20_000;

export class Clients {
  readonly recorder = new Recorder(() => performance.now());
  /** When writes were acknowledged, in order. */
  readonly acknowledgedAt: number[] = [];
  /** Why operations had no or no known effect, and how often. */
  readonly failures = new Map<string, number>();
  readonly #options: ClientsOptions;
  readonly #running: Promise<void>[];
  /** The revision that anybody was last told of a key: what a careful client would overwrite. */
  readonly #revisions = new Map<string, number>();
  #active = true;
  #begun = 0;

  constructor(options: ClientsOptions) {
    this.#options = options;
    this.#running = options.nodes.flatMap((node) =>
      Array.from({ length: options.perNode }, (_, at) => this.#run(node, `${node.name}/${at + 1}`))
    );
  }

  /** Every client ends after the operation that it is at. Fails with the first that failed. */
  async stop(): Promise<void> {
    this.#active = false;
    await Promise.all(this.#running);
  }

  /** Fails as soon as a client was told what no node may say. */
  get failed(): Promise<never> {
    return Promise.all(this.#running).then(() => new Promise<never>(() => {}));
  }

  /** Reads every key that was ever touched, through one node after the other. */
  async readAll(): Promise<void> {
    const { nodes } = this.#options;
    const left = [...new Set(this.recorder.history().map(({ key }) => key))];
    const worker = async (node: Node): Promise<void> => {
      const http = new HttpClient(node.userPort);
      for (let key = left.pop(); key !== undefined; key = left.pop()) {
        const call: Call = { kind: "get" };
        const outcome = await this.#operate({ http, client: `last/${node.name}`, key, call });
        if (outcome.kind !== "read") throw new Error(`${key} cannot be read after all was healed`);
      }
      http.close();
    };
    await Promise.all(nodes.flatMap((node) => [worker(node), worker(node)]));
  }

  async #run(node: Node, client: string): Promise<void> {
    const http = new HttpClient(node.userPort);
    const random = this.#options.random.fork();
    while (this.#active) {
      const key = this.#key(random);
      const outcome = await this.#operate({ http, client, key, call: this.#call(key, random) });
      if (outcome.kind === "none") await pause(1 + random.below(REFUSED_MS_MAX));
    }
    http.close();
  }

  #key(random: SeededRandom): string {
    if (random.below(100) >= HOT_PERCENT) return `cold/${random.below(COLD_KEYS)}`;
    const heat = Math.floor(this.#begun / OPERATIONS_PER_HEAT);
    return `hot/${heat}/${random.below(HOT_KEYS)}`;
  }

  #call(key: string, random: SeededRandom): Call {
    if (random.below(100) < READ_PERCENT) return { kind: "get" };
    const dice = random.below(10);
    if (dice === 0) return { kind: "delete" };
    const value = `${this.#begun}`;
    if (dice < 6) return { kind: "put", value };
    return { kind: "cas", value, expected: this.#revisions.get(key) ?? 0 };
  }

  async #operate(operation: OneOperation): Promise<Outcome> {
    const { http, client, key, call } = operation;
    this.#begun++;
    const begun = this.recorder.begin(client, key, call);
    const outcome = await this.#ask(http, key, call);
    this.recorder.end(begun, outcome);
    if ("revision" in outcome) {
      this.#revisions.set(key, outcome.kind === "deleted" ? 0 : outcome.revision);
    }
    if (outcome.kind === "written" || outcome.kind === "deleted") {
      this.acknowledgedAt.push(performance.now());
    }
    return outcome;
  }

  async #ask(http: HttpClient, key: string, call: Call): Promise<Outcome> {
    const target = `${keyTarget(bytesOf(key))}?timeout=${TIMEOUT_SECONDS}`;
    try {
      const answer = await http.request(methodOf(call), target, requestOf(call));
      if (answer.status < 300) return outcomeOf(call, answer);
      if (answer.status === 412) return { kind: "refused", revision: refusedRevision(answer) };
      this.#failed(problemOf(answer).code);
      return failureOf(call, answer);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#failed(error.sent ? "no answer" : "nobody listens");
      return { kind: error.sent && call.kind !== "get" ? "unknown" : "none" };
    }
  }

  #failed(why: string): void {
    this.failures.set(why, (this.failures.get(why) ?? 0) + 1);
  }
}

type OneOperation = {
  readonly http: HttpClient;
  readonly client: string;
  readonly key: string;
  readonly call: Call;
};

function methodOf({ kind }: Call): string {
  return kind === "get" ? "GET" : kind === "delete" ? "DELETE" : "PUT";
}

function requestOf(call: Call): RequestOptions {
  const timeoutMs = PATIENCE_MS;
  if (call.kind === "get" || call.kind === "delete") return { timeoutMs };
  const body = bodyOf(call.value);
  if (call.kind === "put") return { timeoutMs, body };
  const headers: Record<string, string> = call.expected === 0
    ? { "If-None-Match": "*" }
    : { "If-Match": `"${call.expected}"` };
  return { timeoutMs, body, headers };
}

/** Values are numbered; the padding only gives them a size. */
function bodyOf(value: string): Uint8Array {
  const number = Number(value);
  const length = number % 100 === 0 ? LARGE_VALUE_BYTES : number % VALUE_BYTES_MAX;
  return bytesOf(`${value};`.padEnd(length, "."));
}

function nameOf(body: Uint8Array): string {
  return textOf(body.subarray(0, body.indexOf(";".charCodeAt(0))));
}

function outcomeOf(call: Call, answer: Answer): Outcome {
  if (call.kind === "get") {
    if (answer.status === 204) return { kind: "read", value: null, revision: 0 };
    const revision = Number(answer.headers.get("keva-revision"));
    return { kind: "read", value: nameOf(answer.body), revision };
  }
  const { revision, existed, created } = JSON.parse(textOf(answer.body));
  if (call.kind === "delete") return { kind: "deleted", revision, existed };
  return { kind: "written", revision, created };
}

/** What a refusal says must agree with its status; one that no fault explains ends the run. */
function failureOf(call: Call, answer: Answer): Outcome {
  const { status } = answer;
  const { code, effect, detail } = problemOf(answer);
  const isHonest = effect === (status === 504 ? "unknown" : "none");
  if (!isHonest || ![503, 504, 507].includes(status)) {
    throw new Error(`${call.kind}: ${status} ${code}, effect ${effect}: ${detail}`);
  }
  return { kind: effect === "none" || call.kind === "get" ? "none" : "unknown" };
}

function refusedRevision(answer: Answer): number {
  return JSON.parse(textOf(answer.body)).revision;
}
