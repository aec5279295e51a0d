/**
 * Layer 1: the consensus state machine of the Raft paper (Ongaro & Ousterhout 2014; sections cited
 * as §n are of Ongaro's dissertation).
 *
 * Duty: from messages, ticks and completions to messages, writes, commits and read grants.
 * Invariants: pure and synchronous; numbered R1… beside the state they guard.
 * May import: base.
 */

export * from "./codec.ts";
export type { RaftOptions } from "./core.ts";
export { isFounding, memberIds, memberOf } from "./membership.ts";
export { majority } from "./quorum.ts";
export { type ChangeError, type ProposeError, Raft, type RaftStatus, type Ready } from "./raft.ts";
export type { ReadGrant, ReadTicket } from "./read_state.ts";
export * from "./types.ts";
