/**
 * GET /v1/storage/watch: changes as Server-Sent Events, which curl prints and browsers'
 * `EventSource` reads and resumes.
 *
 * The id of an event is a cursor: `42` behind all of revision 42, `42.0` behind its first change. A
 * client that sends the last one it has seen misses nothing and is told nothing twice. Initial
 * items have no id, so that a client who was cut off among them starts over. A watch that begins
 * now says in `Keva-Revision` when that is: a client who was told nothing yet goes on from there.
 */

import { EMPTY, ok, type Result, utf8 } from "../../base/mod.ts";
import type {
  Caller,
  Cursor,
  Service,
  ServiceError,
  Watch,
  WatchEvent,
  WatchRequest,
} from "../../service/mod.ts";
import { jsonBytes } from "./json_bytes.ts";
import { bytesOf, flagOf, wrong } from "./parameters.ts";
import type { Request } from "./request.ts";
import { json, problemResponse, type Response, type ResponseStream } from "./response.ts";
import { type Parameters, parseQuery, quote, splitTarget } from "./target.ts";

export const WATCH_PARAMETERS = ["prefix", "prefix64", "from", "initial"];

const HEADERS = { "Content-Type": "text/event-stream" };
/** Revisions of up to 15 digits are exact as a number. */
const REVISION = /^[1-9][0-9]{0,14}$/;
const EVENT_ID = /^(0|[1-9][0-9]{0,14})(?:\.([0-9]{1,9}))?$/;

export async function watchKeys(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const parameters = parseQuery(splitTarget(request.target).query, WATCH_PARAMETERS);
  if (!parameters.ok) return problemResponse(parameters.error);
  const asked = watchRequest(parameters.value, request.header("last-event-id"));
  if (!asked.ok) return problemResponse(asked.error);
  const watch = await service.watch(caller, asked.value);
  if (!watch.ok) return problemResponse(watch.error);
  const headers = asked.value.initial || asked.value.after !== undefined
    ? HEADERS
    : { ...HEADERS, "Keva-Revision": String(watch.value.revision) };
  return { status: 200, headers, body: null, stream: new EventStream(watch.value) };
}

class EventStream implements ResponseStream {
  readonly #watch: Watch;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  async next(): Promise<Uint8Array | null> {
    const events = await this.#watch.next();
    return events === null ? null : utf8(events.map(eventText).join(""));
  }

  end(): void {
    this.#watch.end();
  }
}

function eventText(event: WatchEvent): string {
  switch (event.kind) {
    case "put": {
      const { value, contentType, revision, expiresMs } = event.item;
      const expires = expiresMs === undefined ? {} : { expiresMs };
      const data = { ...jsonBytes("key", event.key), revision, contentType, ...expires };
      return eventLines("put", event.at, { ...data, ...jsonBytes("value", value) });
    }
    case "delete": {
      const { revision } = event.at;
      return eventLines("delete", event.at, { ...jsonBytes("key", event.key), revision });
    }
    case "closed": {
      const { code, detail } = event.error;
      return eventLines("closed", undefined, { code, detail });
    }
    default: {
      const { kind, revision } = event;
      return eventLines(kind, { revision, position: Infinity }, { revision });
    }
  }
}

function eventLines(name: string, id: Cursor | undefined, data: unknown): string {
  const idLine = id === undefined ? "" : `id: ${idText(id)}\n`;
  return `event: ${name}\n${idLine}data: ${json(data)}\n\n`;
}

function idText({ revision, position }: Cursor): string {
  return position === Infinity ? `${revision}` : `${revision}.${position}`;
}

function watchRequest(
  parameters: Parameters,
  lastEventId: string | null,
): Result<WatchRequest, ServiceError> {
  const prefix = bytesOf(parameters, "prefix");
  if (!prefix.ok) return prefix;
  const initial = flagOf(parameters, "initial");
  if (!initial.ok) return initial;
  const after = lastEventId === null ? startOf(parameters) : resumed(lastEventId);
  if (!after.ok) return after;
  return ok({
    prefix: prefix.value ?? EMPTY,
    initial: initial.value,
    after: after.value,
  });
}

/** `from` names the first revision to be told. */
function startOf(parameters: Parameters): Result<Cursor | undefined, ServiceError> {
  const from = parameters.get("from");
  if (from === undefined) return ok(undefined);
  if (!REVISION.test(from)) return wrong(`from is ${quote(from)}; it must be a revision above 0.`);
  return ok({ revision: Number(from) - 1, position: Infinity });
}

function resumed(lastEventId: string): Result<Cursor, ServiceError> {
  const parts = EVENT_ID.exec(lastEventId);
  if (parts === null) return wrong("Last-Event-ID is none that a watch has given.");
  const [, revision, position] = parts;
  return ok({
    revision: Number(revision),
    position: position === undefined ? Infinity : Number(position),
  });
}
