/**
 * The commands of a script, one function each.
 *
 *     cluster nodes=3 [election=10] [heartbeat=2] [seed=1] [timeouts=10,12,14]
 *             [tail=0] [inflight=64] [batch=4096]
 *     disk n1 term=6 [vote=n2] [commit=3] log=1,1,4 [mark=5@2]   restart with this on its disk
 *     start n4                   a new node: empty disk, no membership
 *     crash n1 · restart n1      only what was stored survives
 *     forget n1 5                a node that is down loses its stored entries from 5 on
 *     tick n1 3 · tick all       time passes
 *     campaign n1                ticks it until it stands for election
 *     elect n1                   the same until it leads and all have heard; not told
 *     run 20                     everybody ticks, everything is delivered, 20 times
 *     propose n1 a=1 b=2 · read n2 [3] · change n1 learner|voter|remove n4 · transfer n1
 *     snapshot n1 5 … compact n1 · compact n1 5   begins a snapshot and ends it, or both
 *     stepdown n1 · lost n1 n2 · connected n1 n2 · disconnected n1 n2
 *     gather n1 … turn n1        the inputs between them make one turn
 *     autostore off · store n1 [2]   writes wait for the script; the first 2 of them, or all
 *     deliver|drop|hold|release|duplicate|reorder [from] [to] [kind] [count]   `*` is any
 *     deliver all                until the network is quiet
 *     forge n1 n2 KIND term=3 …  delivers a message that nobody sent [receiver=n3]
 *     partition n1 n2 | n3 · cut n1 n2 · heal   cut works in one direction
 *     mute heartbeat echo stores · unmute   leaves such lines out of the transcript
 *     status · log n1
 */

import { assert, limits } from "../../../src/base/mod.ts";
import type { NodeId, Raft } from "../../../src/raft/mod.ts";
import { campaign, changed, elect, showStatus } from "./actions.ts";
import { Cluster } from "./cluster.ts";
import { Disk } from "./disk.ts";
import { forgeMessage } from "./forge.ts";
import type { Parcel } from "./network.ts";
import { showSent } from "./notation.ts";
import { parseEntries, parseNumber, parsePosition } from "./words.ts";
import { parseSelection, Words } from "./words.ts";

type Command = (cluster: Cluster, words: Words) => void;

/** `cluster`: the only command that makes one, and so the first of each script. */
export function startCluster(words: Words): Cluster {
  const cluster = new Cluster({
    electionTicks: words.number("election", 10),
    heartbeatTicks: words.number("heartbeat", 2),
    seed: words.number("seed", 1),
    timeouts: (words.option("timeouts") ?? "").split(",").filter(Boolean).map(parseNumber),
  });
  // The real bounds would need scripts of thousands of entries.
  Object.assign(limits, {
    logTailEntries: words.number("tail", 0),
    inflightAppendsMax: words.number("inflight", limits.inflightAppendsMax),
    appendEntriesMax: words.number("batch", limits.appendEntriesMax),
  });
  const ids = Array.from({ length: words.number("nodes") }, (_, at) => `n${at + 1}`);
  const voters = ids.map((id) => ({ id, directory: "" }));
  for (const id of ids) cluster.add(id, { voters, learners: [] });
  words.end();
  for (const node of cluster.nodes.values()) cluster.start(node);
  return cluster;
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  disk(cluster, words) {
    const node = cluster.node(words.next());
    if (node.raft) cluster.stop(node);
    const { membership } = node.disk.snapshot;
    node.disk = new Disk(membership);
    const mark = words.option("mark");
    if (mark !== undefined) node.disk.snapshot = { position: parsePosition(mark), membership };
    node.disk.entries = parseEntries(words.option("log") ?? "", node.disk.snapshot.position);
    node.disk.hard = {
      term: words.number("term"),
      vote: words.option("vote") ?? null,
      commit: words.number("commit", 0),
    };
    if (node.disk.hard.commit > 0) cluster.invariants.genuine = false;
    cluster.start(node);
  },
  start(cluster, words) {
    cluster.start(cluster.add(words.next(), { voters: [], learners: [] }));
  },
  crash(cluster, words) {
    for (const id of words.rest()) cluster.stop(cluster.node(id));
  },
  restart(cluster, words) {
    for (const id of words.rest()) cluster.start(cluster.node(id));
  },
  forget(cluster, words) {
    const node = cluster.node(words.next());
    assert(!node.raft, "only a node that is down forgets");
    node.disk.truncate(parseNumber(words.next()));
    cluster.invariants.genuine = false;
  },
  tick(cluster, words) {
    const id = words.next();
    const ids = id === "all" ? runningIds(cluster) : [id];
    for (let left = parseNumber(words.optional() ?? "1"); left > 0; left--) {
      for (const id of ids) cluster.input(id, (raft) => raft.tick());
    }
  },
  campaign(cluster, words) {
    campaign(cluster, cluster.node(words.next()));
  },
  elect(cluster, words) {
    elect(cluster, cluster.node(words.next()));
  },
  run(cluster, words) {
    for (let left = parseNumber(words.next()); left > 0; left--) {
      for (const id of runningIds(cluster)) cluster.input(id, (raft) => raft.tick());
      cluster.deliverAll();
    }
  },
  propose(cluster, words) {
    const id = words.next();
    const commands = words.pairs().map((pair) => new TextEncoder().encode(pair));
    const result = cluster.input(id, (raft) => raft.propose(commands));
    if (!result.ok) cluster.tell(`${id} refuses: ${result.error}`);
  },
  read(cluster, words) {
    const node = cluster.node(words.next());
    const floor = cluster.invariants.committed;
    for (let left = parseNumber(words.optional() ?? "1"); left > 0; left--) {
      const ticket = node.raft?.read();
      assert(ticket !== undefined, `${node.id} runs`);
      node.reads.push({ ticket, floor });
      cluster.tell(`${node.id} read joins batch ${ticket}`);
    }
    cluster.input(node.id, () => {});
  },
  change(cluster, words) {
    const id = words.next();
    const [verb, member] = [words.next(), words.next()];
    const result = cluster.input(id, (raft) => raft.change(changed(raft.membership, verb, member)));
    if (result.ok) return;
    const { error } = result;
    cluster.tell(`${id} refuses: ${typeof error === "string" ? error : error.refused}`);
  },
  transfer(cluster, words) {
    const id = words.next();
    if (!cluster.input(id, (raft) => raft.transfer())) cluster.tell(`${id} refuses`);
  },
  snapshot(cluster, words) {
    const node = cluster.node(words.next());
    node.snapshot = node.raft?.snapshotAt(parseNumber(words.next())) ?? null;
  },
  compact(cluster, words) {
    const node = cluster.node(words.next());
    const index = words.optional();
    cluster.input(node.id, (raft) => {
      const begun = index === undefined ? node.snapshot : raft.snapshotAt(parseNumber(index));
      assert(begun, "a snapshot was begun");
      raft.compact(begun);
    });
  },
  stepdown: forNode((raft) => raft.stepDown()),
  lost: forPeer((raft, peer) => raft.lost(peer)),
  connected: forPeer((raft, peer) => raft.connected(peer)),
  disconnected: forPeer((raft, peer) => raft.disconnected(peer)),
  gather(cluster, words) {
    cluster.node(words.next()).gathering = true;
  },
  turn(cluster, words) {
    cluster.endTurn(cluster.node(words.next()));
  },
  autostore(cluster, words) {
    cluster.autostore = words.next() === "on";
  },
  store(cluster, words) {
    const node = cluster.node(words.next());
    const count = words.optional();
    let left = count === undefined ? node.pending.length : parseNumber(count);
    assert(left > 0, `${node.id} has a write pending`);
    for (; left > 0; left--) cluster.store(node);
  },
  deliver(cluster, words) {
    const parcels = selected(cluster, words);
    if (parcels === "all") cluster.deliverAll();
    else for (const parcel of parcels) cluster.deliver([parcel]);
  },
  drop: forFlying((cluster, parcels) => cluster.network.remove(parcels)),
  hold: forFlying((cluster, parcels) => cluster.network.hold(parcels)),
  duplicate: forFlying((cluster, parcels) => {
    cluster.network.flying.push(...parcels.map((parcel) => ({ ...parcel })));
  }),
  reorder: forFlying((cluster, parcels) => cluster.network.reverse(parcels)),
  release(cluster, words) {
    const released = cluster.network.release(parseSelection(words));
    assert(released.length > 0, "something was held");
  },
  forge(cluster, words) {
    const receiver = words.option("receiver");
    const message = forgeMessage(words);
    cluster.invariants.genuine = false;
    cluster.deliver([{ message, senderTerm: message.term }], receiver);
  },
  partition(cluster, words) {
    const sides = words.rest().join(" ").split(" | ").map((side) => side.split(" "));
    for (const side of sides) {
      for (const other of sides) {
        if (side !== other) {
          side.forEach((from) => other.forEach((to) => cutLink(cluster, from, to)));
        }
      }
    }
  },
  cut(cluster, words) {
    cutLink(cluster, words.next(), words.next());
  },
  heal(cluster) {
    cluster.network.heal();
  },
  mute(cluster, words) {
    for (const kind of words.rest()) cluster.muted.add(kind);
  },
  unmute(cluster) {
    cluster.muted.clear();
  },
  status(cluster) {
    for (const node of cluster.nodes.values()) {
      if (!node.raft || node.halted) cluster.tell(`${node.id} ${node.raft ? "halted" : "is down"}`);
      else cluster.tell(`${node.id}@${node.term} ${showStatus(node.raft)}`);
    }
  },
  log(cluster, words) {
    const node = cluster.node(words.next());
    cluster.tell(`${node.id} ${cluster.showLog(node)}`);
  },
};

function forNode(act: (raft: Raft) => void): Command {
  return (cluster, words) => cluster.input(words.next(), act);
}

function forPeer(act: (raft: Raft, peer: NodeId) => void): Command {
  return (cluster, words) => {
    const [id, peer] = [words.next(), words.next()];
    cluster.input(id, (raft) => act(raft, peer));
  };
}

function forFlying(act: (cluster: Cluster, parcels: readonly Parcel[]) => void): Command {
  return (cluster, words) => {
    const parcels = cluster.network.select(parseSelection(words));
    assert(parcels.length > 0, "such a message is under way");
    for (const { message, senderTerm } of parcels) {
      cluster.tell(showSent(message, senderTerm, cluster.attemptName));
    }
    act(cluster, parcels);
  };
}

function selected(cluster: Cluster, words: Words): readonly Parcel[] | "all" {
  const rest = words.rest();
  if (rest[0] === "all") return "all";
  const parcels = cluster.network.select(parseSelection(new Words(rest)));
  assert(parcels.length > 0, "such a message is under way");
  return parcels;
}

function cutLink(cluster: Cluster, from: NodeId, to: NodeId): void {
  for (const { message, senderTerm } of cluster.network.cut(from, to)) {
    cluster.tell(`${showSent(message, senderTerm, cluster.attemptName)} (lost)`);
  }
}

function runningIds(cluster: Cluster): NodeId[] {
  const running = [...cluster.nodes.values()].filter(({ raft, halted }) => raft && !halted);
  return running.map(({ id }) => id);
}
