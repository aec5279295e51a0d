/**
 * Layer 4: the client library, shared by the command line and by programs.
 *
 * Duty: reach the cluster over HTTP, writes at the leader and reads at the others where they are
 * known, move on to the next node where that is safe, and report every failure with its effect.
 * Invariants: a write is sent again only under an idempotency key or when it certainly had no
 * effect; every call ends at its deadline; nothing here needs more than `fetch`, timers and random
 * bytes, so it runs in browsers and Node too.
 * May import: base.
 */

export { type Fetch, KevaClient, type KevaClientOptions } from "./client.ts";
export { type Effect, KevaError } from "./error.ts";
export { type Endpoint, parseEndpoint, parseEndpoints, PORT_STANDARD, urlOf } from "./endpoint.ts";
export { keyTarget } from "./key_target.ts";
export type * from "./types.ts";
