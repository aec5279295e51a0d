/** What `keva status` makes of a cluster: table, advice, exit code. */

import assert from "node:assert/strict";
import type { ClusterStatus, MemberStatus } from "../../src/client/mod.ts";
import { fakeCluster } from "../client/fake_cluster.ts";
import { keva } from "./fake_context.ts";

function member(number: number, role: string | null, fields: object = {}): MemberStatus {
  const base = {
    id: `host${number}`,
    peerAddress: `127.0.0.1:381${number}`,
    clientAddress: `127.0.0.1:380${number}`,
    reachable: role !== null,
    lag: role === null ? null : number - 1,
  };
  if (role === null) return base;
  const leader = role === "candidate" ? null : "host1";
  const status = {
    version: "1.2.3",
    role,
    term: 3,
    leader,
    commit: 120,
    applied: 121 - number,
    diskFull: false,
    fsyncP99Ms: number * 1.25,
    loopDelayP99Ms: number,
    ...fields,
  };
  return { ...base, status };
}

async function status(members: MemberStatus[], ...args: string[]) {
  const answer: ClusterStatus = { cluster: "keva", answeredBy: "host1", members };
  const cluster = fakeCluster(Response.json(answer));
  return { answer, ...await keva(["status", ...args], { cluster }) };
}

const healthy = [member(1, "leader"), member(2, "follower"), member(3, "follower")];

Deno.test("status shows every node and that all is well", async () => {
  const { exit, stdout, stderr } = await status(healthy);
  assert.deepEqual([exit, stderr], [0, ""]);
  assert.equal(
    stdout,
    `\
Cluster keva, as host1 sees it:

NODE   ROLE      TERM  COMMIT  APPLIED  LAG   FSYNC   DELAY  LEADER  REACHABLE  CLIENTS
host1  leader       3     120      120    0  1.3 ms  1.0 ms  host1   yes        127.0.0.1:3801
host2  follower     3     120      119    1  2.5 ms  2.0 ms  host1   yes        127.0.0.1:3802
host3  follower     3     120      118    2  3.8 ms  3.0 ms  host1   yes        127.0.0.1:3803

All 3 nodes are up and host1 leads.
`,
  );
});

Deno.test("status leaves out what it cannot know about an unreachable node", async () => {
  const { exit, stdout, stderr } = await status([
    member(1, "leader"),
    member(2, "follower"),
    member(3, null),
  ]);
  assert.equal(exit, 1);
  const row = stdout.split("\n").find((line) => line.startsWith("host3"))?.split(/ +/);
  assert.deepEqual(row, ["host3", ...Array(8).fill("-"), "no", "127.0.0.1:3803"]);
  assert.equal(
    stderr,
    "keva: host3 (127.0.0.1:3813) cannot be reached; writes go on, but would stop if one more " +
      "node failed\n",
  );
});

Deno.test("status shows what a node of another version tells, and does not miss the rest", async () => {
  const older = { fsyncP99Ms: undefined, loopDelayP99Ms: "soon" };
  const { exit, stdout } = await status([member(1, "leader"), member(2, "follower", older)]);
  assert.equal(exit, 0);
  const cells = stdout.split("\n").filter((line) => line.startsWith("host")).map((line) =>
    line.split(/ {2,}/).slice(6, 8)
  );
  assert.deepEqual(cells, [["1.3 ms", "1.0 ms"], ["-", "-"]]);
});

Deno.test("status --json prints what the node told, and only that", async () => {
  const { exit, answer, stdout, stderr } = await status(healthy, "--json");
  assert.deepEqual([exit, JSON.parse(stdout), stderr], [0, answer, ""]);
});

const ADVICE: Record<string, [members: MemberStatus[], advice: string]> = {
  "one of five is away": [
    [...healthy, member(4, "follower"), member(5, null)],
    "host5 (127.0.0.1:3815) cannot be reached; writes go on as long as 3 of 5 nodes are up",
  ],
  "two of three are away": [
    [member(1, "candidate"), member(2, null), member(3, null)],
    "no node leads, so neither writes nor linearizable reads work: 2 nodes must be up and reach " +
    "each other; start host2 (127.0.0.1:3812), host3 (127.0.0.1:3813) or check the network",
  ],
  "an election goes on": [
    [member(1, "candidate"), member(2, "candidate"), member(3, "candidate")],
    "no node leads, so neither writes nor linearizable reads work: an election should end within " +
    "seconds; if it does not, look into the nodes' logs",
  ],
  "a node knows what is wrong": [
    [member(1, "candidate"), member(2, "candidate", { trouble: "an old disk" }), member(3, null)],
    "no node leads, so neither writes nor linearizable reads work: an old disk",
  ],
  "a disk is full": [
    [member(1, "leader"), member(2, "follower", { diskFull: true }), member(3, "follower")],
    "the disk of host2 is full: free or add space; reads still work",
  ],
};

for (const [situation, [members, advice]] of Object.entries(ADVICE)) {
  Deno.test(`status exits with 1 and advises when ${situation}`, async () => {
    const { exit, stderr } = await status(members);
    assert.deepEqual([exit, stderr], [1, `keva: ${advice}\n`]);
  });
}

Deno.test("status of one node alone", async () => {
  const { exit, stdout } = await status([member(1, "leader")]);
  assert.equal(exit, 0);
  assert.match(stdout, /\nThe only node is up\.\n$/);
});
