/**
 * What the HTTP front counts, for those who watch it.
 */

import { type Distribution, Histogram } from "../../base/mod.ts";

/** Statuses are from 100 to 599. */
const STATUS_MIN = 100;
const STATUS_COUNT = 500;

/** The requests that went to one route. */
export class RouteCounter {
  readonly method: string;
  /** The route as the table has it, never a target as it was sent: that would name keys. */
  readonly path: string;
  readonly #answers = new Float64Array(STATUS_COUNT);
  readonly #durationMs = Histogram.ofLatency();

  constructor(method: string, path: string) {
    this.method = method;
    this.path = path;
  }

  answered(status: number, durationMs: number): void {
    const at = status - STATUS_MIN;
    this.#answers[at] = (this.#answers[at] as number) + 1;
    this.#durationMs.observe(durationMs);
  }

  /** How many answers had each status, of those that had any. */
  get answers(): { readonly status: number; readonly count: number }[] {
    return [...this.#answers]
      .map((count, at) => ({ status: STATUS_MIN + at, count }))
      .filter(({ count }) => count > 0);
  }

  get durationMs(): Distribution {
    return this.#durationMs.snapshot();
  }
}

/** What is noted where TLS ends. */
export type TlsCounters = {
  /** Connections that TLS has not let in. */
  handshakesFailed: number;
  /** When the certificate that is shown ends, in milliseconds since 1970; null: none is shown. */
  certificateEndsAtMs: number | null;
};

export class HttpCounters implements TlsCounters {
  /** Connections that are open, that were let in so far, and that were turned away by a cap. */
  open = 0;
  accepted = 0;
  refused = 0;
  handshakesFailed = 0;
  certificateEndsAtMs: number | null = null;
  /** Requests that were not valid HTTP or broke a limit. */
  malformed = 0;
  /** Connections ended because the client took too long. */
  timeouts = 0;
  /** For requests that no route takes. */
  readonly other = new RouteCounter("other", "other");
  readonly #routes: RouteCounter[] = [];

  get routes(): readonly RouteCounter[] {
    return [...this.#routes, this.other];
  }

  add(method: string, path: string): RouteCounter {
    const route = new RouteCounter(method, path);
    this.#routes.push(route);
    return route;
  }
}
