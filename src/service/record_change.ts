/**
 * A change of what the cluster keeps for itself, and how long to wait until all know it.
 */

import { assert, type Clock, err, limits, ok, type Result } from "../base/mod.ts";
import type { Check, Mutation, Revision } from "../kv/mod.ts";
import type { Replica } from "../node/mod.ts";
import { refusal, type ServiceError, writeFailure } from "./errors.ts";

/** When a record was changed, and which members may not know it yet. */
export type RecordChange = {
  readonly revision: Revision;
  /** Members that had not applied it within `limits.recordChangeWaitMs`, or do not answer. */
  readonly pending: readonly string[];
};

/** How often members are asked how far they have come. */
const POLL_MS = 20;

/** The revision of the change; null when the check does not hold. */
export async function changeRecord(
  replica: Replica,
  change: { readonly check: Check; readonly mutation: Mutation },
  deadlineAt: number,
): Promise<Result<Revision | null, ServiceError>> {
  const command = { checks: [change.check], mutations: [change.mutation] };
  const outcome = await replica.execute(command, deadlineAt);
  if (!outcome.ok) return err(writeFailure(outcome.error));
  const { value } = outcome;
  if (value.kind === "applied") return ok(value.revision);
  if (value.kind === "checkFailed") return ok(null);
  assert(value.kind === "recordsFull", "a change of a record has no name and is no transaction");
  return err(refusal("recordsFull", `There are ${limits.recordsMax} records already.`));
}

/**
 * Waits a little for the other members: whoever was given a right may use it at any of them, and
 * whoever takes one away wants it refused by all.
 */
export async function settled(
  { replica, clock }: { readonly replica: Replica; readonly clock: Clock },
  revision: Revision,
): Promise<RecordChange> {
  const giveUpAt = clock.now() + limits.recordChangeWaitMs;
  while (true) {
    const { members } = await replica.clusterStatus();
    const behind = members.filter(({ status }) => (status?.applied ?? 0) < revision);
    const canCatchUp = behind.some(({ reachable }) => reachable);
    if (!canCatchUp || clock.now() >= giveUpAt) {
      return { revision, pending: behind.map(({ id }) => id) };
    }
    await new Promise<void>((resolve) => void clock.after(POLL_MS, resolve));
  }
}
