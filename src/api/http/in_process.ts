/**
 * The HTTP API without HTTP: for a program that has the node in itself. A request goes straight to
 * its route, in the words of `fetch`, so that whoever speaks to a node over the network can speak
 * to this one too.
 */

import { type Log, utf8 } from "../../base/mod.ts";
import type { Service } from "../../service/mod.ts";
import { HttpCounters } from "./counters.ts";
import type { Response as Answer, ResponseStream } from "./response.ts";
import { Router } from "./router.ts";
import { routes } from "./routes.ts";

export type InProcessFetch = (
  input: string | URL | Request,
  init?: RequestInit,
) => Promise<Response>;

export class InProcessHttp {
  readonly #router: Router;
  readonly #streams = new Set<ResponseStream>();
  #closed = false;

  constructor({ service, log }: { readonly service: Service; readonly log: Log }) {
    this.#router = new Router({ routes, service, log, counters: new HttpCounters() });
  }

  readonly fetch: InProcessFetch = async (input, init) => {
    if (this.#closed) throw notListening();
    const request = new Request(input, init);
    const { method, headers, signal } = request;
    // As it was written: a URL parser would tidy keys that look like paths.
    const url = typeof input === "string" ? input : request.url;
    const target = utf8(url.replace(/^\w+:\/\/[^/]*/, ""));
    const body = new Uint8Array(await request.arrayBuffer());
    signal.throwIfAborted();
    const header = (name: string) => headers.get(name);
    const answer = await this.#router.handle({ method, target, body, header });
    return this.#responseTo(method, answer, signal);
  };

  /** From now on nobody answers, and those who watch have to go elsewhere. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#streams) stream.end();
  }

  #responseTo(method: string, answer: Answer, signal: AbortSignal): Response {
    const { status, headers, body, stream } = answer;
    if (method === "HEAD") {
      stream?.end();
      return new Response(null, { status, headers });
    }
    const content = stream === undefined ? contentOf(body) : this.#follow(stream, signal);
    return new Response(content, { status, headers });
  }

  #follow(stream: ResponseStream, signal: AbortSignal): ReadableStream<Uint8Array> {
    this.#streams.add(stream);
    const end = (): void => {
      this.#streams.delete(stream);
      signal.removeEventListener("abort", end);
      stream.end();
    };
    signal.addEventListener("abort", end);
    return new ReadableStream<Uint8Array>({
      async pull(controller): Promise<void> {
        const bytes = await stream.next();
        if (bytes !== null) return controller.enqueue(bytes);
        end();
        controller.close();
      },
      cancel: end,
    }, { highWaterMark: 0 });
  }
}

/** A copy: what a route answers may be the store's own memory. */
function contentOf(body: Answer["body"]): BodyInit | null {
  return typeof body === "string" ? body : body && body.slice() as BodyInit;
}

/** What `fetch` throws when a connection is refused, as Node says it. */
function notListening(): TypeError {
  const cause = Object.assign(new Error("the node has stopped"), { code: "ECONNREFUSED" });
  return new TypeError("fetch failed", { cause });
}
