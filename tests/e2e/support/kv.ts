/** Keys and values over HTTP, with the one distinction that matters: what is known of a write. */

import { type Answer, type HttpClient, RequestError } from "./http.ts";

/** What became of a write: it happened, it certainly did not, or nobody can tell. */
export type WriteOutcome = {
  readonly effect: "done" | "none" | "unknown";
  /** The answer or the failure in short, for messages. */
  readonly why: string;
};

export type Problem = {
  readonly code: string;
  readonly effect: "none" | "unknown";
  readonly detail: string;
};

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** The key's address; every byte is escaped, so that any key may be asked for. */
export function keyTarget(key: Uint8Array): string {
  return `/v1/storage/key/${
    [...key].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")
  }`;
}

export async function put(
  client: HttpClient,
  key: Uint8Array,
  body: Uint8Array,
): Promise<WriteOutcome> {
  try {
    return outcomeOf(await client.request("PUT", keyTarget(key), { body }));
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { effect: error.sent ? "unknown" : "none", why: error.message };
  }
}

/** The value, or null when there is none; throws with the node's own words on any other answer. */
export async function get(
  client: HttpClient,
  key: Uint8Array,
  query = "",
): Promise<Uint8Array | null> {
  const answer = await client.request("GET", keyTarget(key) + query);
  if (answer.status === 200) return answer.body;
  if (answer.status === 204) return null;
  throw new Error(`GET at port ${client.port}: ${answer.status} ${textOf(answer.body)}`);
}

export function problemOf(answer: Answer): Problem {
  return JSON.parse(textOf(answer.body));
}

/** The status must not contradict the effect: 504 means unknown, all others that nothing happened. */
function outcomeOf(answer: Answer): WriteOutcome {
  if (answer.status === 200) return { effect: "done", why: "200" };
  const { code, effect } = problemOf(answer);
  const why = `${answer.status} ${code}`;
  if ((answer.status === 504) !== (effect === "unknown")) throw new Error(`${why} with ${effect}`);
  return { effect, why };
}
