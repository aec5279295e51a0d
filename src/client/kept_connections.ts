/**
 * To which nodes a `fetch` may hold connections open.
 *
 * Deno's `fetch` sends a request anew by itself when the connection that it had kept breaks, even
 * after the node has taken it. What it then reports is only how the second attempt ended. So from a
 * refused connection to a node that has answered before, nothing follows about the request.
 */

import { type Endpoint, urlOf } from "./endpoint.ts";

type Fetch = typeof fetch;

/** Connections belong to the function, whoever calls it. */
const nodes = new WeakMap<Fetch, Set<string>>();

export function noteAnswer(by: Fetch, endpoint: Endpoint): void {
  const known = nodes.get(by) ?? new Set();
  nodes.set(by, known.add(urlOf(endpoint)));
}

export function mayBeKept(by: Fetch, endpoint: Endpoint): boolean {
  return nodes.get(by)?.has(urlOf(endpoint)) === true;
}

/** A node that refuses connections has none left. */
export function noteRefusal(by: Fetch, endpoint: Endpoint): void {
  nodes.get(by)?.delete(urlOf(endpoint));
}
