/** What a node that watches would send. */

import { utf8 } from "../../src/base/mod.ts";

/** The answer to a watch: these pieces, and then the connection breaks. */
export function eventStream(
  pieces: readonly string[],
  headers: Record<string, string> = {},
): Response {
  const rest = [...pieces];
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const piece = rest.shift();
      if (piece === undefined) controller.error(new TypeError("the connection broke"));
      else controller.enqueue(utf8(piece) as Uint8Array<ArrayBuffer>);
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: { "content-type": "text/event-stream", ...headers } });
}

export function put(key: string, revision: number, id?: string): string {
  const data = JSON.stringify({ key, revision, contentType: "text/plain", value: `v${revision}` });
  return `event: put\n${id === undefined ? "" : `id: ${id}\n`}data: ${data}\n\n`;
}

export function mark(kind: string, revision: number): string {
  return `event: ${kind}\nid: ${revision}\ndata: {"revision":${revision}}\n\n`;
}
