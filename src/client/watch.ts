/**
 * One watch over as many connections as it takes.
 *
 * Invariant: what is given is every change under the prefix behind the last one given, in order and
 * each once, or a `reset` comes between. So a connection begins where the one before it has come
 * to: by the id of the last event, or by where the node said that it begins.
 */

import { KevaError } from "./error.ts";
import { eventsOf } from "./event_stream.ts";
import type { Transport } from "./transport.ts";
import type { WatchEvent } from "./types.ts";

export type WatchRequest = {
  readonly target: string;
  /** Whether items come first, unless `after` says where to begin. */
  readonly initial: boolean;
  /** The id of an event. */
  readonly after: string | undefined;
  /** For the head of each answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
};

/** A node that watches tells something every ten seconds; one that does not is frozen or gone. */
const SILENCE_MS_MAX = 30_000;
/** Between attempts to find a node that answers: doubles from the first to the second. */
const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 2_000;

export async function* watch(
  transport: Transport,
  request: WatchRequest,
): AsyncGenerator<WatchEvent, void, void> {
  const place = new Place(request);
  let pauseMs = PAUSE_MS_MIN;
  for (let isFirst = true; request.signal?.aborted !== true; isFirst = false) {
    const connection = new WatchConnection(transport, request);
    try {
      for await (const event of connection.events(place.begin())) {
        if (place.mustReset) yield { kind: "reset", revision: place.revision };
        place.moveTo(event);
        pauseMs = PAUSE_MS_MIN;
        yield event;
      }
      place.learn(connection.beginning);
    } catch (error) {
      place.learn(connection.beginning);
      if (request.signal?.aborted) return;
      if (error instanceof KevaError && (isFirst || !mayRecover(error))) throw error;
    } finally {
      connection.end();
    }
    await pause(pauseMs, request.signal);
    pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
  }
}

/** Where a watch has come to. */
class Place {
  revision = 0;
  readonly #initial: boolean;
  #id: string | undefined;
  #amongItems = false;
  /** The connection before broke among the items. */
  #brokeOff = false;

  constructor({ initial, after }: WatchRequest) {
    this.#initial = initial;
    this.#id = after;
  }

  /** What tells the next connection to begin here. */
  begin(): Record<string, string> {
    this.#brokeOff = this.#amongItems;
    return this.#id === undefined ? {} : { "last-event-id": this.#id };
  }

  /** Once: what was told of the items is told once more, and may have changed meanwhile. */
  get mustReset(): boolean {
    const must = this.#brokeOff;
    this.#brokeOff = false;
    return must;
  }

  moveTo({ kind, revision, id }: WatchEvent): void {
    this.revision = Math.max(this.revision, revision);
    // After a reset the items come anew, unless nobody asked for them.
    if (kind === "reset" && this.#initial) this.#id = undefined;
    else if (id !== undefined) this.#id = id;
    this.#amongItems = this.#id === undefined;
  }

  /** Where a connection began that may have told nothing yet. */
  learn(beginning: string | undefined): void {
    this.#id ??= beginning;
  }
}

class WatchConnection {
  /** The id behind which it began, where the node said so. */
  beginning: string | undefined;
  readonly #transport: Transport;
  readonly #request: WatchRequest;
  readonly #ending = new AbortController();
  readonly #end = (): void => this.#ending.abort();
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(transport: Transport, request: WatchRequest) {
    this.#transport = transport;
    this.#request = request;
    request.signal?.addEventListener("abort", this.#end);
    if (request.signal?.aborted) this.#end();
  }

  async *events(headers: Record<string, string>): AsyncGenerator<WatchEvent, void, void> {
    const { target, timeoutMs } = this.#request;
    const { signal } = this.#ending;
    const request = { method: "GET", target, headers, timeoutMs, signal } as const;
    const response = await this.#transport.open(request);
    const { body } = response;
    if (body === null || !response.headers.get("content-type")?.startsWith("text/event-stream")) {
      throw notEvents(response.url);
    }
    this.beginning = response.headers.get("keva-revision") ?? undefined;
    for await (const event of eventsOf(body, () => this.#listen())) {
      clearTimeout(this.#silence); // however long the caller takes over it
      yield event;
    }
  }

  end(): void {
    clearTimeout(this.#silence);
    this.#request.signal?.removeEventListener("abort", this.#end);
    this.#end();
  }

  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(this.#end, SILENCE_MS_MAX);
  }
}

/** Whether another attempt may fare better. A refusal of the request itself will come again. */
function mayRecover({ status, code }: KevaError): boolean {
  if (status !== undefined) return status >= 500 || status === 429;
  return code === "unreachable" || code === "connectionLost" || code === "timeout";
}

function notEvents(url: string): KevaError {
  const message = `${url} did not answer with events`;
  const next = "Check that the endpoint is the user_port of a node.";
  return new KevaError({ code: "notKeva", effect: "none", message, next });
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
    if (signal?.aborted) done();
  });
}
