/**
 * Layer 4: HTTP/1.1 in front of the service.
 *
 * Duty: bytes to requests, requests to operations, answers to bytes; limits and deadlines of
 * connections. It decides nothing about data: what a request means is the service's to say.
 * Invariants:
 * - no bytes from the network throw, and none are read beyond a limit of `limits.ts`;
 * - a request that has two readings is refused, never repaired;
 * - answers leave in the order of their requests, and no stored byte can end a header line.
 * May import: base, service.
 *
 * From the network inwards: `server.ts` accepts; `connection.ts` reads and writes;
 * `request_reader.ts` (with `head_parser.ts` and `body_decoder.ts`) is the parser, pure;
 * `router.ts` finds the route in `routes.ts`; `response_writer.ts` is the way out.
 */

export { type InProcessFetch, InProcessHttp } from "./in_process.ts";
export type { TlsCounters } from "./counters.ts";
export type { HttpLimits } from "./limits.ts";
export { type Route, routes } from "./routes.ts";
export { type HttpOptions, type HttpServer, serveHttp } from "./server.ts";
