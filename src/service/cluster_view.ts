/** What all members say of themselves, put together. */

import type { ClusterStatus } from "../node/mod.ts";
import type { ClusterView } from "./types.ts";

/** Lag is counted from the highest commit index that any member reports. */
export function withLag(status: ClusterStatus): ClusterView {
  const commits = status.members.map((member) => member.status?.commit ?? 0);
  const commit = Math.max(0, ...commits);
  const members = status.members.map((member) => ({
    ...member,
    lag: member.status === undefined ? null : Math.max(0, commit - member.status.applied),
  }));
  return { cluster: status.cluster, answeredBy: status.answeredBy, members };
}
