/** A body that is to be JSON, for a schema to judge. */

import { fromUtf8 } from "../../base/mod.ts";

/** Undefined, which no schema takes, where it is no JSON in UTF-8. */
export function jsonBody(body: Uint8Array): unknown {
  const text = fromUtf8(body);
  if (!text.ok) return undefined;
  try {
    return JSON.parse(text.value);
  } catch {
    return undefined;
  }
}
