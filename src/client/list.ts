/**
 * Items in the order of their keys, over as many pages as it takes.
 *
 * Each page is as of one moment, and the pages of one list are as of several: what is written
 * meanwhile may be in the later ones.
 */

import { utf8 } from "../base/mod.ts";
import { KevaError } from "./error.ts";
import { bytesParameter } from "./key_target.ts";
import type { Listed, ListOptions } from "./types.ts";

/** Asks for one page. */
export type AskPage = (target: string) => Promise<Record<string, unknown>>;

const LIST_ROUTE = "/v1/storage/keys";
const PAGE_ITEMS_MAX = 1_000;

export async function* list(
  ask: AskPage,
  options: ListOptions,
): AsyncGenerator<Listed, void, void> {
  let left = options.limit ?? Infinity;
  let parameters = parametersOf(options);
  while (left > 0) {
    const limit = String(Math.min(left, options.pageItems ?? PAGE_ITEMS_MAX));
    const query = Object.entries({ ...parameters, limit }).map(([name, value]) =>
      `${name}=${value}`
    );
    const { items, next64 } = await ask(`${LIST_ROUTE}?${query.join("&")}`);
    for (const item of items as readonly Record<string, unknown>[]) {
      left--;
      yield listed(item);
    }
    if (next64 === undefined) return;
    const { after: _, after64: __, ...rest } = parameters;
    parameters = { ...rest, after64: String(next64) };
  }
}

function parametersOf(options: ListOptions): Record<string, string> {
  const { prefix, start, end, after, reverse, values, consistency } = options;
  return {
    ...bytesParameter("prefix", prefix?.length === 0 ? undefined : prefix),
    ...bytesParameter("start", start),
    ...bytesParameter("end", end),
    ...bytesParameter("after", after),
    ...reverse === true && { reverse: "true" },
    ...values === true && { values: "true" },
    ...consistency === "stale" && { consistency },
  };
}

function listed(item: Record<string, unknown>): Listed {
  const { revision, contentType, bytes } = item;
  const about = {
    revision: Number(revision),
    contentType: String(contentType),
    ...expiryIn(item),
    bytes: Number(bytes),
  };
  const key = jsonBytes(item, "key");
  const value = jsonBytes(item, "value");
  if (key === undefined) throw notAnItem();
  return value === undefined ? { key, ...about } : { key, ...about, value };
}

/** When an item goes by itself, if it does. */
export function expiryIn({ expiresMs }: Record<string, unknown>): { readonly expiresMs?: number } {
  return typeof expiresMs === "number" ? { expiresMs } : {};
}

/** Bytes that stand in JSON as text, or in base64 under the same name with `Base64`. */
export function jsonBytes(fields: Record<string, unknown>, name: string): Uint8Array | undefined {
  const [text, encoded] = [fields[name], fields[`${name}Base64`]];
  if (typeof text === "string") return utf8(text);
  if (typeof encoded !== "string") return undefined;
  return Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
}

function notAnItem(): KevaError {
  return new KevaError({
    code: "notKeva",
    effect: "none",
    message: "the node listed something without a key",
    next: "Check that the endpoint is the user_port of a node.",
  });
}
