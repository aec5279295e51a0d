/**
 * Which node is asked first: writes go to the leader, reads to the others in turn.
 *
 * That is only about speed. Every node serves every request, so what stands here may be wrong or
 * old: the next node in the order is asked then.
 */

import { type Endpoint, textOf } from "./endpoint.ts";

/** A member by its name in the cluster and where it answered. */
export type Member = { readonly id: string; readonly endpoint: Endpoint };

/** For so long a node that could not be reached is asked after all others. */
const AVOIDED_MS = 3_000;

export class Nodes {
  /** As the user gave them: what is asked until members are known, and after all of them. */
  readonly given: readonly Endpoint[];
  #members: readonly Member[] = [];
  #leader: string | null = null;
  /** The endpoint that answered last. */
  #preferred: Endpoint;
  /** Counts reads, so that they go round. */
  #turn = 0;
  readonly #failedAtMs = new Map<string, number>();
  /** Something happened that the members should be asked about. */
  #doubted = false;

  constructor(given: readonly [Endpoint, ...Endpoint[]]) {
    this.given = given;
    this.#preferred = given[0];
  }

  /** All that may be asked, the best first. */
  order(kind: "read" | "write"): Endpoint[] {
    const all = [...this.#best(kind), ...rotated(this.given, this.#preferred)];
    const once = new Map(all.map((endpoint) => [textOf(endpoint), endpoint]));
    const [good, avoided]: [Endpoint[], Endpoint[]] = [[], []];
    for (const endpoint of once.values()) {
      (this.#isAvoided(endpoint) ? avoided : good).push(endpoint);
    }
    return [...good, ...avoided];
  }

  answered(endpoint: Endpoint): void {
    this.#preferred = endpoint;
    this.#failedAtMs.delete(textOf(endpoint));
  }

  failed(endpoint: Endpoint): void {
    this.#failedAtMs.set(textOf(endpoint), performance.now());
    this.#doubted = true;
  }

  /** What a node said of the leader: its id, or that there is none now. */
  leads(id: string | null): void {
    this.#leader = id;
    if (id === null || !this.#members.some((member) => member.id === id)) this.#doubted = true;
  }

  learn(members: readonly Member[], leader: string | null): void {
    this.#members = members;
    this.#leader = leader;
    this.#doubted = leader === null;
    this.#failedAtMs.clear();
  }

  get doubted(): boolean {
    return this.#doubted;
  }

  #best(kind: "read" | "write"): Endpoint[] {
    const leaders = this.#members.filter(({ id }) => id === this.#leader);
    const others = this.#members.filter(({ id }) => id !== this.#leader);
    const first = kind === "read" ? this.#turn++ : 0;
    const turned = others.map((_, i) => others[(first + i) % others.length] as Member);
    const all = kind === "write" ? [...leaders, ...turned] : [...turned, ...leaders];
    return all.map(({ endpoint }) => endpoint);
  }

  #isAvoided(endpoint: Endpoint): boolean {
    const failedAtMs = this.#failedAtMs.get(textOf(endpoint));
    return failedAtMs !== undefined && performance.now() < failedAtMs + AVOIDED_MS;
  }
}

function rotated(endpoints: readonly Endpoint[], first: Endpoint): Endpoint[] {
  const start = Math.max(endpoints.indexOf(first), 0);
  return [...endpoints.slice(start), ...endpoints.slice(0, start)];
}
