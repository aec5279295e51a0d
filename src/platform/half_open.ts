/**
 * Where connections stand until they have proven what TLS wants proven: few of them, few from one
 * address, and none of them for long. What comes before the proof costs no more than this.
 */

import type { Socket } from "node:net";
import type { Address } from "../base/mod.ts";
import { remoteOf } from "./socket_connection.ts";

export type HalfOpenOptions = {
  readonly max: number;
  readonly perAddressMax: number;
  readonly timeoutMs: number;
  /** Why one was turned away that has not proven anything in time. */
  readonly unproven: string;
  readonly refused: (remote: Address, reason: string) => void;
};

type Stranger = { readonly socket: Socket; readonly deadline: number };

export class HalfOpen {
  readonly #options: HalfOpenOptions;
  readonly #strangers = new Map<string, Stranger>();
  readonly #perAddress = new Map<string, number>();

  constructor(options: HalfOpenOptions) {
    this.#options = options;
  }

  /** Lets the connection wait here, or ends it. */
  enter(socket: Socket): void {
    const { timeoutMs, refused, unproven } = this.#options;
    const remote = remoteOf(socket);
    socket.on("error", () => {}); // its close says enough
    const crowd = this.#crowd(remote.host);
    if (crowd !== null) {
      socket.destroy();
      return refused(remote, crowd);
    }
    const deadline = setTimeout(() => socket.destroy(), timeoutMs);
    this.#strangers.set(nameOf(remote), { socket, deadline });
    this.#perAddress.set(remote.host, this.#count(remote.host) + 1);
    socket.on("close", () => {
      if (this.leave(remote)) refused(remote, unproven);
    });
  }

  /** It waits here no more, one way or the other; false when it did not. */
  leave(remote: Address): boolean {
    const stranger = this.#strangers.get(nameOf(remote));
    if (stranger === undefined) return false;
    clearTimeout(stranger.deadline);
    const rest = this.#count(remote.host) - 1;
    if (rest > 0) this.#perAddress.set(remote.host, rest);
    else this.#perAddress.delete(remote.host);
    return this.#strangers.delete(nameOf(remote));
  }

  /** Ends those that wait. */
  close(): void {
    for (const { socket } of this.#strangers.values()) socket.destroy();
  }

  #crowd(host: string): string | null {
    const { max, perAddressMax } = this.#options;
    if (this.#strangers.size >= max) return "too many strangers";
    return this.#count(host) < perAddressMax ? null : "too many strangers of one address";
  }

  #count(host: string): number {
    return this.#perAddress.get(host) ?? 0;
  }
}

function nameOf({ host, port }: Address): string {
  return `${host} ${port}`;
}
