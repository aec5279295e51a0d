/**
 * Conditional requests (RFC 9110 §13): an ETag is the revision in quotes.
 */

import { err, ok, type Result } from "../../base/mod.ts";
import {
  refusal,
  type Revision,
  type ServiceError,
  type WriteConditions,
} from "../../service/mod.ts";
import type { Request } from "./request.ts";

/** Without leading zeros, so that a revision has one spelling; 15 digits are exact as a number. */
const REVISION_TAG = /^"([1-9][0-9]{0,14})"$/;

export function entityTag(revision: Revision): string {
  return `"${revision}"`;
}

/**
 * The conditions of a write, or undefined when there are none. One command checks one revision, so
 * a list of tags, which asks for any of them, cannot be honoured and is refused.
 */
export function writeConditions(
  request: Request,
): Result<WriteConditions | undefined, ServiceError> {
  const ifMatch = request.header("if-match");
  const ifNoneMatch = request.header("if-none-match");
  if (ifMatch === null && ifNoneMatch === null) return ok(undefined);
  if (ifMatch !== null && ifNoneMatch !== null) {
    return err(refusal("conditionInvalid", "If-Match and If-None-Match exclude each other."));
  }
  if (ifNoneMatch !== null) {
    if (ifNoneMatch === "*") return ok({ exists: false });
    return err(refusal("conditionInvalid", "If-None-Match of a write can only be *."));
  }
  if (ifMatch === "*") return ok({ exists: true });
  const tag = REVISION_TAG.exec(ifMatch as string);
  if (tag === null) {
    return err(refusal("conditionInvalid", "If-Match is neither one quoted revision nor *."));
  }
  return ok({ revision: Number(tag[1]) });
}

/** Whether an If-Match or If-None-Match of a read names `revision`; weak tags only where allowed. */
export function namesRevision(list: string, revision: Revision, weak: boolean): boolean {
  if (list === "*") return true;
  const wanted = entityTag(revision);
  return list.split(",").some((entry) => {
    const tag = entry.trim();
    return tag === wanted || (weak && tag === `W/${wanted}`);
  });
}
