/**
 * Caps on connections: in all, and from one address, so that one client cannot take every slot.
 */

import { assert } from "../../base/mod.ts";

export class Admission {
  readonly #totalMax: number;
  readonly #perAddressMax: number;
  readonly #perAddress = new Map<string, number>();
  #total = 0;

  constructor(totalMax: number, perAddressMax: number) {
    this.#totalMax = totalMax;
    this.#perAddressMax = perAddressMax;
  }

  /** Counts the connection in and returns null, or says which cap it would break. */
  enter(host: string): string | null {
    const here = this.#perAddress.get(host) ?? 0;
    if (this.#total >= this.#totalMax) return `All ${this.#totalMax} connections are in use.`;
    if (here >= this.#perAddressMax) {
      return `All ${this.#perAddressMax} connections that one address may have are in use.`;
    }
    this.#total++;
    this.#perAddress.set(host, here + 1);
    return null;
  }

  leave(host: string): void {
    const here = this.#perAddress.get(host) ?? 0;
    assert(here > 0, "a connection leaves once, after it entered");
    this.#total--;
    if (here > 1) this.#perAddress.set(host, here - 1);
    else this.#perAddress.delete(host);
  }
}
