/**
 * Messages under way. Nothing is delivered, lost, repeated or overtaken unless a script says so.
 */

import type { Message, NodeId, Term } from "../../../src/raft/mod.ts";

export type Parcel = { readonly message: Message; readonly senderTerm: Term };

/** Selects parcels: by sender, receiver, kind (each may be any), and at most the first `count`. */
export type Selection = {
  readonly from: NodeId | null;
  readonly to: NodeId | null;
  readonly kind: Message["kind"] | null;
  readonly count: number;
};

export class Network {
  flying: Parcel[] = [];
  #held: Parcel[] = [];
  readonly #cut = new Set<string>();

  /** False when the link is cut, and the parcel lost. */
  post(parcel: Parcel): boolean {
    const { from, to } = parcel.message;
    if (this.#cut.has(link(from, to))) return false;
    this.flying.push(parcel);
    return true;
  }

  select(selection: Selection): Parcel[] {
    return select(this.flying, selection);
  }

  remove(parcels: readonly Parcel[]): void {
    const gone = new Set(parcels);
    this.flying = this.flying.filter((parcel) => !gone.has(parcel));
  }

  hold(parcels: readonly Parcel[]): void {
    this.remove(parcels);
    this.#held.push(...parcels);
  }

  /** Puts held parcels back, behind everything else. */
  release(selection: Selection): Parcel[] {
    const released = select(this.#held, selection);
    this.#held = this.#held.filter((parcel) => !released.includes(parcel));
    this.flying.push(...released);
    return released;
  }

  /** The selected parcels change places, the last becoming the first. */
  reverse(parcels: readonly Parcel[]): void {
    const reversed = [...parcels].reverse();
    const order = new Map(parcels.map((parcel, at) => [parcel, reversed[at] as Parcel]));
    this.flying = this.flying.map((parcel) => order.get(parcel) ?? parcel);
  }

  /** Cuts one direction; what is under way on it is lost. */
  cut(from: NodeId, to: NodeId): Parcel[] {
    this.#cut.add(link(from, to));
    const lost = this.flying.filter(({ message }) => message.from === from && message.to === to);
    this.remove(lost);
    return lost;
  }

  heal(): void {
    this.#cut.clear();
  }
}

function select(parcels: readonly Parcel[], { from, to, kind, count }: Selection): Parcel[] {
  return parcels.filter(({ message }) =>
    (from === null || message.from === from) && (to === null || message.to === to) &&
    (kind === null || message.kind === kind)
  ).slice(0, count);
}

function link(from: NodeId, to: NodeId): string {
  return `${from} ${to}`;
}
