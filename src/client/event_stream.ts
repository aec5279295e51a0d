/**
 * Server-Sent Events of a watch, from bytes to typed events.
 */

import { createParser, type EventSourceMessage } from "eventsource-parser";
import { utf8 } from "../base/mod.ts";
import { KevaError } from "./error.ts";
import { expiryIn } from "./list.ts";
import type { WatchEvent } from "./types.ts";

/**
 * Reads as far as it is asked to: what nobody takes stays with the node, which keeps a place in its
 * history and no events for those who watch. Ends with the stream; throws what reading throws.
 */
export async function* eventsOf(
  body: ReadableStream<Uint8Array>,
  wake: () => void,
): AsyncGenerator<WatchEvent, void, void> {
  const messages: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => void messages.push(message) });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    while (true) {
      wake();
      const { done, value } = await reader.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      for (const message of messages.splice(0)) {
        const event = eventOf(message);
        if (event !== null) yield event;
      }
    }
  } finally {
    // Of no effect where the stream has ended or failed.
    await reader.cancel().catch(() => {});
  }
}

/** Null for what this version does not know. */
function eventOf({ event: kind, data, id }: EventSourceMessage): WatchEvent | null {
  const fields = fieldsOf(data);
  const common = { revision: Number(fields["revision"]), ...id !== undefined && { id } };
  switch (kind) {
    case "put": {
      const [key, value] = [bytesIn(fields, "key"), bytesIn(fields, "value")];
      const contentType = String(fields["contentType"] ?? "");
      return { kind, key, value, contentType, ...expiryIn(fields), ...common };
    }
    case "delete":
      return { kind, key: bytesIn(fields, "key"), ...common };
    case "synced":
    case "progress":
    case "reset":
      return { kind, ...common };
    default:
      return null;
  }
}

function fieldsOf(data: string): Record<string, unknown> {
  try {
    return JSON.parse(data);
  } catch (cause) {
    const message = "an event of the watch is not JSON";
    const next = "Check what is between this client and the node.";
    throw new KevaError({ code: "notKeva", effect: "none", message, next, cause });
  }
}

/** As text, or in base64 under another name where the bytes are no text. */
function bytesIn(fields: Record<string, unknown>, name: string): Uint8Array {
  const text = fields[name];
  if (typeof text === "string") return utf8(text);
  return Uint8Array.from(atob(String(fields[`${name}Base64`])), (char) => char.charCodeAt(0));
}
