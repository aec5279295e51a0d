/** Random messages of every kind, and one fixed example of each. */

import fc from "fast-check";
import { utf8 } from "../../src/base/mod.ts";
import type { PeerMessage } from "../../src/peers/mod.ts";
import type { Entry, Member, Membership, Message } from "../../src/raft/mod.ts";

export const ENDS = { from: "n1", to: "n2" } as const;

type Model<T> = { [K in keyof T]: fc.Arbitrary<T[K]> };

/** Records as literals make them, so that deep equality holds. */
function plain<T>(model: Model<T>): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const count = fc.oneof(fc.nat(50), fc.maxSafeNat());
const bytes = fc.uint8Array({ maxLength: 40 });
const position = plain({ index: count, term: count });
const id = fc.constantFrom("n1", "host-2.example", "ä", "");
const member: fc.Arbitrary<Member> = plain({ id, directory: fc.constantFrom("", "00ff") });
const members = fc.array(member, { maxLength: 3 });
const membership: fc.Arbitrary<Membership> = plain({ voters: members, learners: members });
const entry: fc.Arbitrary<Entry> = plain({
  index: count,
  term: count,
  kind: fc.constantFrom("noop", "command", "membership"),
  payload: bytes,
});

function raft<K extends Exclude<Message["kind"], "install">>(
  kind: K,
  body: Model<Omit<Extract<Message, { kind: K }>, "kind" | "from" | "to" | "term">>,
): fc.Arbitrary<PeerMessage> {
  const envelope = {
    kind: fc.constant(kind),
    from: fc.constant(ENDS.from),
    to: fc.constant(ENDS.to),
    term: count,
  };
  return fc.record({ ...envelope, ...body }, { noNullPrototype: true }).map((message) => (
    { kind: "raft", message: message as unknown as Message }
  ));
}

function other<K extends Exclude<PeerMessage["kind"], "raft">>(
  kind: K,
  body: Model<Omit<Extract<PeerMessage, { kind: K }>, "kind" | "refused">>,
): fc.Arbitrary<PeerMessage> {
  return fc.record({ kind: fc.constant(kind), ...body }, { noNullPrototype: true }).map((message) =>
    message as unknown as PeerMessage
  );
}

const flag = fc.boolean();

const KINDS: readonly fc.Arbitrary<PeerMessage>[] = [
  raft("voteRequest", { pre: flag, transfer: flag, last: position }),
  raft("voteReply", { pre: flag, granted: flag }),
  raft("append", { previous: position, commit: count, entries: fc.array(entry, { maxLength: 4 }) }),
  raft("accepted", { matched: count }),
  raft("rejected", { previous: count, hint: position }),
  raft("heartbeat", { commit: count, round: count }),
  raft("echo", { round: count }),
  raft("readRequest", { attempt: count }),
  raft("readReply", { attempt: count, index: count }),
  raft("timeoutNow", {}),
  other("forward", {
    id: count,
    deadlineMs: fc.nat(),
    commands: fc.array(bytes, { maxLength: 4 }),
  }),
  other("forwardReply", { id: count, replies: fc.array(bytes, { maxLength: 4 }) }),
  other("snapshotChunk", {
    term: count,
    snapshot: plain({ position, membership }),
    sizeBytes: count,
    offset: count,
    bytes,
    attempt: count,
  }),
  other("snapshotAck", { term: count, position, offset: count, attempt: count, done: flag }),
  other("statusRequest", { id: count }),
  other("statusReply", { id: count, status: bytes }),
];

export const message: fc.Arbitrary<PeerMessage> = fc.oneof(...KINDS);

const envelope = { ...ENDS, term: 7 };
const at = (index: number, term: number) => ({ index, term });
const voters = [{ id: "n1", directory: "" }, { id: "n2", directory: "00ff" }];
const learners = [{ id: "n3", directory: "" }];
const entries: Entry[] = [
  { ...at(6, 7), kind: "noop", payload: new Uint8Array(0) },
  { ...at(7, 7), kind: "command", payload: utf8("put") },
  { ...at(8, 7), kind: "membership", payload: utf8("members") },
];

function raftMessage(message: Message): PeerMessage {
  return { kind: "raft", message };
}

/** One of each kind, in the order of their numbers. */
export const EXAMPLES: readonly PeerMessage[] = [
  raftMessage({ ...envelope, kind: "voteRequest", pre: true, transfer: false, last: at(5, 2) }),
  raftMessage({ ...envelope, kind: "voteReply", pre: false, granted: true }),
  raftMessage({ ...envelope, kind: "append", previous: at(5, 2), commit: 4, entries }),
  raftMessage({ ...envelope, kind: "accepted", matched: 8 }),
  raftMessage({ ...envelope, kind: "rejected", previous: 5, hint: at(3, 1) }),
  raftMessage({ ...envelope, kind: "heartbeat", commit: 8, round: 3 }),
  raftMessage({ ...envelope, kind: "echo", round: 3 }),
  raftMessage({ ...envelope, kind: "readRequest", attempt: 2 ** 40 + 1 }),
  raftMessage({ ...envelope, kind: "readReply", attempt: 2 ** 40 + 1, index: 8 }),
  raftMessage({ ...envelope, kind: "timeoutNow" }),
  { kind: "forward", id: 1, deadlineMs: 5_000, commands: [utf8("one"), utf8("two")] },
  { kind: "forwardReply", id: 1, replies: [utf8("done"), new Uint8Array(0)] },
  {
    kind: "snapshotChunk",
    term: 7,
    snapshot: { position: at(8, 7), membership: { voters, learners } },
    sizeBytes: 1_000,
    offset: 500,
    bytes: utf8("image"),
    attempt: 2,
  },
  { kind: "snapshotAck", term: 7, position: at(8, 7), offset: 505, attempt: 2, done: false },
  {
    kind: "snapshotAck",
    term: 7,
    position: at(8, 7),
    offset: 0,
    attempt: 2,
    done: false,
    refused: "the disk is full",
  },
  { kind: "statusRequest", id: 9 },
  { kind: "statusReply", id: 9, status: utf8("{}") },
];
