/**
 * Snapshots as the protocol sees them (§5.1, §5.3): a durable image lets the log forget its start,
 * and replaces the log of a follower that needs what was forgotten.
 */

import { limits } from "../base/mod.ts";
import type { Core } from "./core.ts";
import { entryBytes } from "./log.ts";
import type { Index, Install, SnapshotRef } from "./types.ts";

/**
 * The snapshot that came with this message is verified and durable. An older one than the commit
 * index changes nothing; log entries that continue it are kept.
 */
export function onInstall(core: Core, message: Install): void {
  core.heardLeader(message.from);
  const { position } = message.snapshot;
  if (position.index > core.commit) core.install(message.snapshot);
  const { id: from, term } = core;
  core.sendAfterWrite.push({
    kind: "accepted",
    from,
    to: message.from,
    term,
    matched: core.commit,
  });
}

/** This node's own snapshot is durable: mark it, and forget all entries but a tail. */
export function compact(core: Core, snapshot: SnapshotRef): void {
  const { index } = snapshot.position;
  if (index <= core.snapshot.position.index) return; // a newer one was installed meanwhile
  core.snapshot = core.mark = snapshot;
  const keep = tailStart(core, index);
  if (keep - 1 > core.log.base.index) core.log.compact(keep - 1);
  core.memberships.compact(index);
}

/** Where the tail starts that slow followers are served from, so that they need no snapshot. */
function tailStart(core: Core, index: Index): Index {
  let start = index + 1;
  let bytes = 0;
  while (start > core.log.first && index - start < limits.logTailEntries - 1) {
    bytes += entryBytes(core.log.entry(start - 1));
    if (bytes > limits.logTailBytesMax) break;
    start--;
  }
  return start;
}
