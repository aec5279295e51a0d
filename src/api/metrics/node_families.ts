/**
 * The table of what a node tells about itself.
 */

import type { NodeMetrics } from "../../service/mod.ts";
import { counter, type Family, gauge, histogram, type Sample, seconds } from "./family.ts";

export function nodeFamilies(metrics: NodeMetrics): Family[] {
  return [
    ...stateFamilies(metrics),
    ...raftFamilies(metrics),
    ...requestFamilies(metrics),
    ...walFamilies(metrics),
    ...snapshotFamilies(metrics),
    ...linkFamilies(metrics),
    ...processFamilies(metrics),
  ];
}

const ROLES = ["leader", "follower", "candidate", "learner"] as const;

function stateFamilies({ status }: NodeMetrics): Family[] {
  const { id: node, version } = status;
  return [
    gauge("keva_node_info", "Who this node is; always 1.", [
      { labels: { node, version }, value: 1 },
    ]),
    gauge(
      "keva_raft_role",
      "1 for the role that this node has now, 0 for the others.",
      ROLES.map((role) => ({ labels: { role }, value: flag(role === status.role) })),
    ),
    gauge(
      "keva_raft_has_leader",
      "Whether this node knows a leader.",
      flag(status.leader !== null),
    ),
    gauge("keva_items", "Items in the state machine.", status.items),
    gauge("keva_disk_free_bytes", "Free space for the data directory.", status.diskFreeBytes),
    gauge("keva_disk_full", "Whether the log waits for disk space.", flag(status.diskFull)),
  ];
}

function raftFamilies({ status, raft }: NodeMetrics): Family[] {
  const lag: Sample[] = [...raft.matched].map(([peer, matched]) => ({
    labels: { peer },
    value: Math.max(0, status.lastIndex - matched),
  }));
  return [
    gauge("keva_raft_term", "The present term.", status.term),
    gauge("keva_raft_first_index", "The first entry that the log still holds.", status.firstIndex),
    gauge("keva_raft_last_index", "The last entry of the log.", status.lastIndex),
    gauge("keva_raft_commit_index", "The last entry known to be committed.", status.commit),
    gauge("keva_raft_applied_index", "The last entry in the state machine.", status.applied),
    gauge(
      "keva_raft_follower_lag_entries",
      "On the leader: entries of its log that a member is not known to have on disk.",
      lag,
    ),
    counter("keva_raft_leader_changes_total", "Changes of the known leader.", raft.leaderChanges),
    counter(
      "keva_raft_elections_started_total",
      "Elections in which this node stood, pre-votes not counted.",
      raft.elections,
    ),
    counter(
      "keva_raft_messages_ignored_total",
      "Messages that were stale, misdirected or malformed.",
      raft.ignored,
    ),
    histogram(
      "keva_raft_append_entries",
      "Entries in each AppendEntries message that carried any.",
      raft.appendEntries,
    ),
  ];
}

function requestFamilies({ raft, writes, reads }: NodeMetrics): Family[] {
  return [
    gauge("keva_writes_pending", "Writes whose outcome is open.", writes.pending),
    counter("keva_proposals_total", "Commands put into the log as leader.", writes.proposals),
    histogram(
      "keva_forward_commands",
      "Commands in each frame that was forwarded to the leader.",
      writes.forwardCommands,
    ),
    gauge("keva_reads_pending", "Linearizable reads that wait for their turn.", reads.pending),
    histogram(
      "keva_read_batch_reads",
      "Linearizable reads that shared a read index.",
      reads.batchReads,
    ),
    counter(
      "keva_read_rounds_total",
      "Rounds in which this node, as leader, confirmed that it still leads.",
      raft.readRounds,
    ),
  ];
}

function walFamilies({ wal }: NodeMetrics): Family[] {
  return [
    histogram(
      "keva_wal_fsync_duration_seconds",
      "How long the device took to make a frame durable.",
      seconds(wal.syncMs),
    ),
    gauge(
      "keva_wal_fsync_pending_seconds",
      "How long the fsync now under way has taken, 0 when there is none.",
      wal.pendingSyncMs / 1000,
    ),
    histogram("keva_wal_frame_entries", "Log entries in each durable frame.", wal.frameEntries),
    counter("keva_wal_frames_total", "Frames made durable.", wal.frames),
    counter("keva_wal_written_bytes_total", "Bytes of frames made durable.", wal.bytes),
    gauge("keva_wal_queued_writes", "Writes that wait for the next frame.", wal.queuedWrites),
    gauge("keva_wal_segments", "Segment files of the log.", wal.segments),
    gauge("keva_wal_size_bytes", "Bytes of all segment files.", wal.sizeBytes),
  ];
}

function snapshotFamilies({ status, snapshots }: NodeMetrics): Family[] {
  return [
    gauge("keva_snapshot_index", "The last entry in the newest snapshot.", status.snapshotIndex),
    histogram(
      "keva_snapshot_duration_seconds",
      "How long it took to take each snapshot.",
      seconds(snapshots.durationMs),
    ),
    gauge(
      "keva_snapshot_size_bytes",
      "The last snapshot taken since the start.",
      snapshots.lastBytes,
    ),
    counter("keva_snapshots_failed_total", "Snapshots that could not be taken.", snapshots.failed),
    counter(
      "keva_snapshots_received_total",
      "Snapshots taken in from a leader.",
      snapshots.received,
    ),
  ];
}

function linkFamilies({ links }: NodeMetrics): Family[] {
  return [
    gauge(
      "keva_peer_link_up",
      "Whether messages can be sent to a member.",
      [...links.up].map(([peer, up]) => ({ labels: { peer }, value: flag(up) })),
    ),
    counter(
      "keva_peer_messages_received_total",
      "Messages that a member has delivered.",
      [...links.received].map(([peer, value]) => ({ labels: { peer }, value })),
    ),
    counter(
      "keva_peer_messages_dropped_total",
      "Messages that found the queue of their link full.",
      links.dropped,
    ),
    counter(
      "keva_peer_links_refused_total",
      "Links ended before they had proven who they were.",
      links.refused,
    ),
    counter(
      "keva_peer_links_malformed_total",
      "Links ended because of bytes that made no sense.",
      links.malformed,
    ),
  ];
}

/** The names of `process_…` are those of all Prometheus clients. */
function processFamilies({ startedAtMs, loopDelayMs, process }: NodeMetrics): Family[] {
  return [
    histogram(
      "keva_event_loop_delay_seconds",
      "How late the process got to its work, sampled at every tick.",
      seconds(loopDelayMs),
    ),
    counter("process_cpu_seconds_total", "User and system time spent.", process.cpuSeconds),
    gauge("process_resident_memory_bytes", "Resident memory.", process.residentBytes),
    gauge("process_heap_bytes", "Memory that JavaScript objects take.", process.heapBytes),
    gauge("process_open_fds", "Open files and sockets.", process.openFiles),
    gauge("process_start_time_seconds", "Start of the node since 1970.", startedAtMs / 1000),
  ];
}

function flag(value: boolean): number {
  return value ? 1 : 0;
}
