/** Commands, outcomes, images, and what the leader answers. */

import { ByteWriter, hex, type Result, utf8 } from "../../../src/base/mod.ts";
import {
  type Command,
  decodeCommand,
  decodeOutcome,
  encodeCommand,
  ImageLoader,
  KvState,
  stampCommand,
} from "../../../src/kv/mod.ts";
import { decodeReply, encodeReplies, type Reply } from "../../../src/node/reply.ts";
import { nativeHash } from "../../../src/platform/mod.ts";
import { decodeMembership, encodeMembership } from "../../../src/raft/codec.ts";
import { encodeOutcome } from "../../kv/outcome_bytes.ts";
import type { Target } from "../target.ts";
import { expect, expectSame } from "./check.ts";

const hash = nativeHash();

const COMMANDS: readonly Command[] = [
  { checks: [], mutations: [{ kind: "put", key: utf8("a"), value: utf8("1"), contentType: "" }] },
  { checks: [], mutations: [{ kind: "delete", key: utf8("a") }] },
  {
    checks: [
      { kind: "revision", key: utf8("a"), revision: 7 },
      { kind: "exists", key: utf8("b") },
    ],
    mutations: [
      { kind: "put", key: utf8("colour"), value: utf8("red"), contentType: "text/plain" },
      { kind: "delete", key: utf8("b") },
    ],
  },
  {
    checks: [],
    mutations: [
      {
        kind: "put",
        key: utf8("a"),
        value: utf8("1"),
        contentType: "",
        lifetime: { afterMs: 5_000 },
      },
      { kind: "put", key: utf8("b"), value: utf8("2"), contentType: "", lifetime: { atMs: 1 } },
      { kind: "expire", countMax: 7 },
    ],
    request: "ci\nkey",
  },
  {
    checks: [{ kind: "record", of: "token", name: "ci", revision: 0 }],
    mutations: [
      { kind: "setRecord", of: "token", name: "ci", body: utf8("hash") },
      { kind: "deleteRecord", of: "policy", name: "role" },
    ],
  },
  {
    checks: [{ kind: "value", key: utf8("a"), value: utf8("1") }],
    steps: [
      { kind: "get", key: utf8("a") },
      { kind: "deleteRange", range: { start: utf8("a"), end: utf8("b") } },
      { kind: "deleteRange", range: { start: utf8(""), end: null } },
    ],
    elseSteps: [
      { kind: "put", key: utf8("n"), value: utf8("-7"), contentType: "" },
      { kind: "sum", key: utf8("n"), operand: 9n },
      { kind: "min", key: utf8("n"), operand: -(2n ** 63n) },
      { kind: "max", key: utf8("n"), operand: 2n ** 63n - 1n },
      { kind: "append", key: utf8("n"), value: utf8("0"), bytesMax: 1024 },
    ],
  },
];

const KEEP_BOM = { ignoreBOM: true };

export const commands: Target = {
  name: "commands",
  smokeCases: 25_000,
  seeds: () => COMMANDS.map(encodeCommand),
  run(input) {
    const decoded = decodeCommand(input);
    if (!decoded.ok) return decoded.error;
    const { named } = decoded.value;
    const request = named && { request: new TextDecoder("utf-8", KEEP_BOM).decode(named.name) };
    const again = encodeCommand({ ...decoded.value, ...request });
    stampCommand(again, decoded.value.timeMs);
    expectSame(again, input, "written again");
    const state = new KvState(hash);
    const outcome = state.apply(1, input);
    const count = state.size + state.recordsCount;
    const { value } = decoded;
    const most = "mutations" in value
      ? value.mutations.length
      : Math.max(value.steps.length, value.elseSteps.length);
    expect(count <= most, () => `${count} items and records`);
    return `${outcome.kind} ${state.size}`;
  },
};

export const outcomes: Target = {
  name: "outcomes",
  smokeCases: 30_000,
  seeds: () => [
    encodeOutcome({ kind: "applied", revision: 9, existed: [true, false] }),
    encodeOutcome({ kind: "checkFailed", check: 1, revision: 2 ** 40 }),
    encodeOutcome({ kind: "recordsFull" }),
    encodeOutcome({ kind: "stepFailed", isElse: true, step: 3, reason: "overflow" }),
    encodeOutcome({
      kind: "transacted",
      revision: 7,
      failedCheck: 0,
      results: [
        { kind: "got", item: { value: utf8("1"), contentType: "t", revision: 3 } },
        { kind: "got", item: { value: utf8("1"), contentType: "", revision: 3, expiresMs: 9 } },
        { kind: "got", item: null },
        { kind: "changed", existed: true },
        { kind: "deleted", count: 2 },
        { kind: "number", value: -1n },
        { kind: "appended", bytes: 4 },
      ],
    }),
  ],
  run(input) {
    const decoded = decodeOutcome(input);
    if (!decoded.ok) return decoded.error;
    expectSame(encodeOutcome(decoded.value), input, "written again");
    return decoded.value.kind;
  },
};

const REPLIES: readonly Reply[] = [
  "notLeader",
  { ok: true, value: { kind: "applied", revision: 9, existed: [true] } },
  { ok: true, value: { kind: "checkFailed", check: 1, revision: 3 } },
  ...(["noLeader", "overloaded", "timeout", "leaderChanged", "diskFull", "stopping"] as const)
    .map((code): Reply => ({
      ok: false,
      error: { code, effect: "none", reason: "why", leader: "n1" },
    })),
];

export const replies: Target = {
  name: "replies",
  smokeCases: 25_000,
  seeds: () => encodeReplies(REPLIES),
  run(input) {
    const decoded = decodeReply(input);
    if (!decoded.ok) return decoded.error;
    const bytes = encodeReplies([decoded.value])[0] as Uint8Array;
    const again = decodeReply(bytes);
    expect(again.ok, () => `its own bytes cannot be read: ${hex(bytes)}`);
    if (again.ok) expectSame(encodeReplies([again.value])[0] as Uint8Array, bytes, "written again");
    return replyKind(decoded.value);
  },
};

function replyKind(reply: Reply): string {
  if (reply === "notLeader") return reply;
  return reply.ok ? reply.value.kind : `${reply.error.code} ${reply.error.effect}`;
}

export const memberships: Target = {
  name: "memberships",
  smokeCases: 25_000,
  seeds: () => [
    encodeMembership({ voters: [{ id: "n1", directory: "00ff" }], learners: [] }),
    encodeMembership({
      voters: [{ id: "n1", directory: "" }, { id: "n2", directory: "" }],
      learners: [{ id: "n3", directory: "aa" }],
    }),
  ],
  run(input) {
    const decoded = decodeMembership(input);
    if (!decoded.ok) return decoded.error;
    expectSame(encodeMembership(decoded.value), input, "written again");
    return `${decoded.value.voters.length} voters`;
  },
};

/** Each block is preceded by its length. */
export const images: Target = {
  name: "images",
  smokeCases: 10_000,
  allocationBytesBase: 4 * 1024 * 1024, // blocks are written into buffers of a fixed size
  seeds: () => [[], ["a"], ["a", "b", "colour"]].map((keys) => packed(stateOf(keys))),
  run(input) {
    const loaded = loadImage(input);
    if (!loaded.ok) return loaded.error;
    const state = loaded.value;
    const again = loadImage(packed(state), state.digest());
    expect(again.ok, () => `its own image cannot be loaded: ${again.ok || again.error}`);
    expect(state.size * 18 <= input.length, () => `${state.size} items`);
    return "loaded";
  },
};

function stateOf(keys: readonly string[]): KvState {
  const state = new KvState(hash);
  for (const [at, key] of keys.entries()) {
    const put = { kind: "put", key: utf8(key), value: utf8(`${at}`), contentType: "t" } as const;
    const mutation = at === 0 ? put : { ...put, lifetime: { afterMs: 5_000 } };
    const command = encodeCommand({ checks: [], mutations: [mutation] });
    stampCommand(command, 1_000 + at);
    state.apply(at + 1, command);
  }
  if (keys.length > 1) {
    const set = { kind: "setRecord", of: "policy", name: "role", body: utf8("rule") } as const;
    state.apply(keys.length + 1, encodeCommand({ checks: [], mutations: [set] }));
  }
  return state;
}

function packed(state: KvState): Uint8Array {
  const writer = new ByteWriter();
  for (const block of state.freeze().blocks()) writer.bytes(block);
  return writer.finish();
}

/** With the digest that its content gives, unless one is expected: it guards all the rest. */
function loadImage(input: Uint8Array, digest?: string): Result<KvState, string> {
  const loader = new ImageLoader(hash);
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  for (let at = 0; at + 4 <= input.length;) {
    const end = Math.min(input.length, at + 4 + view.getUint32(at, true));
    const taken = loader.block(input.subarray(at + 4, end));
    if (!taken.ok) return taken;
    at = end;
  }
  const finished = loader.finish(digest ?? "");
  if (finished.ok || digest !== undefined) return finished;
  const actual = /gives ([0-9a-f]{16})$/.exec(finished.error)?.[1];
  return actual === undefined ? finished : loader.finish(actual);
}
