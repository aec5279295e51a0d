/**
 * Notices that nobody is at the other end any more: TCP alone may take a quarter of an hour.
 *
 * Any byte is a sign of life, so that a large frame on a slow link is none of silence. Intervals
 * are counted and not time, so that a process that was paused does not blame its peers: after the
 * pause there is one more interval, in which what they sent meanwhile is read.
 */

import { type Clock, limits, type Timer } from "../base/mod.ts";

const SILENT_INTERVALS_MAX = Math.ceil(limits.linkSilenceMsMax / limits.linkPingIntervalMs);

export type LivenessOptions = {
  readonly clock: Clock;
  /** Grows with every byte that arrives. */
  readonly bytesRead: () => number;
  /** Runs once per interval, with whether anything arrived in it. */
  readonly beat: (heard: boolean) => void;
  /** Runs once nothing has arrived for `limits.linkSilenceMsMax`. */
  readonly onLost: () => void;
};

export class Liveness {
  readonly #options: LivenessOptions;
  readonly #timer: Timer;
  #bytesRead: number;
  #silentIntervals = 0;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#bytesRead = options.bytesRead();
    this.#timer = options.clock.every(limits.linkPingIntervalMs, () => this.#turn());
  }

  get lost(): boolean {
    return this.#silentIntervals >= SILENT_INTERVALS_MAX;
  }

  stop(): void {
    this.#timer.cancel();
  }

  #turn(): void {
    const bytesRead = this.#options.bytesRead();
    const heard = bytesRead > this.#bytesRead;
    this.#bytesRead = bytesRead;
    this.#silentIntervals = heard ? 0 : this.#silentIntervals + 1;
    if (this.lost) this.#options.onLost();
    else this.#options.beat(heard);
  }
}
