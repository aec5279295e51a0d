/**
 * Notices that nobody is at the other end any more: TCP alone may take a quarter of an hour.
 */

import { type Clock, type Connection, limits, type Timer } from "../base/mod.ts";

/** Closes `connection` once nothing has been heard on it for `limits.linkSilenceMsMax`. */
export class Liveness {
  readonly #clock: Clock;
  readonly #timer: Timer;
  #heardAt: number;

  /** `beat` runs in every interval in which the connection is still believed in. */
  constructor(clock: Clock, connection: Connection, beat: () => void = () => {}) {
    this.#clock = clock;
    this.#heardAt = clock.now();
    this.#timer = clock.every(limits.linkPingIntervalMs, () => {
      if (this.lost) connection.close();
      else beat();
    });
  }

  heard(): void {
    this.#heardAt = this.#clock.now();
  }

  get lost(): boolean {
    return this.#clock.now() - this.#heardAt >= limits.linkSilenceMsMax;
  }

  stop(): void {
    this.#timer.cancel();
  }
}
