/**
 * Items as lines of JSON: what `keva export` writes and `keva import` reads.
 *
 * Keys and values are text where they are UTF-8, else base64 under another name. A field that this
 * version does not know is an error: an item without it would be another item.
 */

import * as z from "zod";
import { err, fromUtf8, limits, ok, printableText, type Result, utf8 } from "../base/mod.ts";

export type ItemLine = {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly contentType: string;
  /** When it goes by itself, in milliseconds since 1970; absent: never. */
  readonly expiresMs?: number;
};

/** A character of text takes at most six in JSON; the rest is for key, type and names. */
export const LINE_BYTES_MAX = 6 * limits.valueBytesCeiling + 64 * 1024;

const schema = z.strictObject({
  key: z.string().optional(),
  key64: z.base64().optional(),
  value: z.string().optional(),
  value64: z.base64().optional(),
  contentType: z.string().default("application/octet-stream"),
  expiresMs: z.int().min(1).optional(),
});

export function formatItem({ key, value, contentType, expiresMs }: ItemLine): string {
  const item = { ...named("key", key), ...named("value", value), contentType, expiresMs };
  return `${JSON.stringify(item)}\n`;
}

export function parseItem(text: string): Result<ItemLine, string> {
  const json = jsonOf(text);
  if (!json.ok) return json;
  const fields = schema.safeParse(json.value);
  if (!fields.success) {
    const [issue] = fields.error.issues;
    const where = issue?.path.length ? `${issue.path.join(".")}: ` : "";
    return err(printableText(`${where}${issue?.message}`));
  }
  const { key, key64, value, value64, contentType, expiresMs } = fields.data;
  const bytes = [bytesOf("key", key, key64), bytesOf("value", value, value64)] as const;
  const [keyBytes, valueBytes] = bytes;
  if (!keyBytes.ok) return keyBytes;
  if (!valueBytes.ok) return valueBytes;
  const expires = expiresMs === undefined ? {} : { expiresMs };
  return ok({ key: keyBytes.value, value: valueBytes.value, contentType, ...expires });
}

function jsonOf(text: string): Result<unknown, string> {
  try {
    return ok(JSON.parse(text));
  } catch {
    return err("it is not JSON");
  }
}

function named(name: "key" | "value", bytes: Uint8Array): Record<string, string> {
  const text = fromUtf8(bytes);
  return text.ok ? { [name]: text.value } : { [`${name}64`]: bytes.toBase64() };
}

function bytesOf(
  name: string,
  text: string | undefined,
  base64: string | undefined,
): Result<Uint8Array, string> {
  if (text !== undefined && base64 === undefined) {
    return text.isWellFormed() ? ok(utf8(text)) : err(`${name} is not valid text`);
  }
  if (base64 !== undefined && text === undefined) return ok(Uint8Array.fromBase64(base64));
  return err(`it needs either ${name} or ${name}64`);
}
