/**
 * A cluster of cores among imitations of everything around them: loop turns, disks, state machines
 * and a network. Each step is checked by the oracle as it happens.
 */

import type { Install, Message, NodeId, Raft, Ready, Write } from "../../../src/raft/mod.ts";
import { Agenda } from "./agenda.ts";
import { checkClaims } from "./claims.ts";
import type { Dice } from "./dice.ts";
import { answersAppend, digestAfter, Node } from "./node.ts";
import { showMessage, showWrite } from "./notation.ts";
import { type NetworkOptions, type Options, TICK } from "./options.ts";
import { check, Oracle } from "./oracle.ts";

/** Where the trace goes; null while nobody reads it. */
export type Trace = ((line: string) => void) | null;

const CALM: NetworkOptions = {
  delayMax: 2,
  slowPercent: 0,
  dropPercent: 0,
  duplicatePercent: 0,
  inOrder: true,
};
/** World time that a slow message or write may take. */
const SLOW = 30 * TICK;

export class World {
  readonly agenda = new Agenda();
  readonly nodes: Node[] = [];
  readonly byId = new Map<NodeId, Node>();
  readonly oracle: Oracle;
  /** Links that are cut, as `from to`. */
  readonly cuts = new Set<string>();
  /** Steps taken, over all nodes. */
  steps = 0;
  #network: NetworkOptions;
  /** When the last message on a link arrives. */
  readonly #arrivals = new Map<string, number>();
  #isCalm = false;
  /** How long each write takes in calm. */
  calmDisk = 1;

  constructor(readonly options: Options, readonly dice: Dice, readonly trace: Trace) {
    this.#network = options.network;
    const ids = Array.from({ length: options.voters + options.spares }, (_, i) => `n${i + 1}`);
    const voters = ids.slice(0, options.voters).map((id) => ({ id, directory: "" }));
    const bootstrap = { voters, learners: [] };
    for (const id of ids) {
      const tickEvery = TICK + dice.below(1 + Math.floor(TICK * options.driftPercent / 100));
      const node = new Node(id, bootstrap, tickEvery);
      this.nodes.push(node);
      this.byId.set(id, node);
    }
    this.oracle = new Oracle(this.nodes, bootstrap);
    for (const node of this.nodes) this.start(node);
  }

  log(line: () => string): void {
    this.trace?.(`${String(this.agenda.now).padStart(5)}  ${line()}`);
  }

  // --- Nodes ------------------------------------------------------------------------------------

  start(node: Node): void {
    const recovered = node.start(this.options, this.dice);
    this.log(() => `start ${node.describe()}`);
    this.oracle.started(node, recovered);
    this.#tickLater(node, this.dice.below(node.tickEvery));
  }

  crash(node: Node): void {
    const survivors = this.dice.below(node.disk.pending.length + 1);
    this.log(() => `crash ${node.describe()}, ${survivors} pending writes survive`);
    node.crash(survivors);
    // Sooner or later everybody learns that the link is broken.
    for (const other of this.nodes) {
      if (other === node) continue;
      const delay = this.dice.chance(50) ? 1 : this.dice.below(SLOW);
      this.agenda.after(delay, () => this.disconnected(other, node.id));
    }
  }

  resume(node: Node, first: () => void = () => {}): void {
    this.log(() => `resume ${node.id}, ${node.inbox.length} inputs`);
    node.paused = false;
    first();
    for (const { what, act } of node.inbox.splice(0)) this.input(node, what, act);
    this.#turnLater(node);
  }

  #tickLater(node: Node, delay: number): void {
    const { incarnation } = node;
    this.agenda.after(delay, () => {
      if (node.incarnation !== incarnation || !node.isUp) return;
      // A paused process has no ticks, and does not make up for them.
      if (!node.paused) {
        node.unanswered.clear();
        this.input(node, () => "tick", (raft) => raft.tick());
      }
      this.#tickLater(node, node.tickEvery);
    });
  }

  /** One input of one node, with all checks; then the outputs, at once or a little later. */
  input(node: Node, what: () => string, act: (raft: Raft) => void): void {
    const { raft } = node;
    if (!raft) return;
    if (node.paused) return void node.inbox.push({ what, act });
    this.steps++;
    const before = raft.status;
    act(raft);
    const after = raft.status;
    if (this.trace && (what() !== "tick" || after.role !== before.role)) {
      this.log(() => `${node.describe()} | ${what()}`);
    }
    this.oracle.observe(node, before, after);
    if (this.#isCalm || this.dice.chance(this.options.drainAtOncePercent)) this.#turn(node);
    else this.#turnLater(node);
  }

  #turnLater(node: Node): void {
    if (node.isTurnDue || !node.isUp) return;
    node.isTurnDue = true;
    const { incarnation } = node;
    this.agenda.after(this.dice.below(this.options.turnMax), () => {
      if (node.incarnation !== incarnation || !node.isUp) return;
      node.isTurnDue = false;
      if (!node.paused) this.#turn(node);
    });
  }

  #turn(node: Node): void {
    const raft = node.raft!;
    const before = raft.status;
    const ready: Ready = raft.take();
    check(ready.halt === null, () => `${node.id} halts: ${ready.halt}`);
    this.oracle.observe(node, before, raft.status);
    if (ready.restore) {
      const { index } = ready.restore.position;
      node.state = { index, digest: node.images.get(index)! };
      this.oracle.applied(node);
    }
    if (ready.write) this.#write(node, ready.write);
    for (const message of ready.send) this.#send(node, message);
    node.commit = ready.commit;
    for (const grant of ready.grants) {
      this.log(() => `${node.id} may read up to ticket ${grant.through} at ${grant.index}`);
      this.oracle.granted(node, grant);
    }
    this.oracle.compare(node, this.steps % 16 === 0 || touchesMembers(ready.write));
    this.#applyLater(node);
  }

  // --- Disk and state machine -------------------------------------------------------------------

  #write(node: Node, write: Write): void {
    this.log(() => `${node.id} ${showWrite(write)}`);
    this.oracle.writing(node, write);
    node.disk.submit(write);
    const { slowPercent, delayMax } = this.options.disk;
    const slow = !this.#isCalm && this.dice.chance(slowPercent);
    const takes = this.#isCalm ? this.calmDisk : this.dice.below(slow ? SLOW : delayMax);
    const { now } = this.agenda;
    // Writes that wait share one synchronisation, so even a long queue is done within a slow one.
    node.diskBusyUntil = Math.min(Math.max(node.diskBusyUntil, now) + takes, now + SLOW);
    const { incarnation } = node;
    this.agenda.after(node.diskBusyUntil - now, () => {
      if (node.incarnation === incarnation && node.isUp) this.#writeDone(node);
    });
  }

  #writeDone(node: Node): void {
    // Now and then the completion of one write is reported with that of a later one.
    if (node.disk.pending.length === 0) return;
    const together = this.dice.chance(20) ? this.dice.between(1, node.disk.pending.length) : 1;
    const writes = Array.from({ length: together }, () => node.disk.complete());
    const { id } = writes.at(-1)!;
    const stored = (): void => this.input(node, () => `stored ${id}`, (raft) => raft.stored(id));
    const first = this.dice.chance(50);
    if (first) stored();
    for (const { thenSend } of writes) for (const message of thenSend) this.#send(node, message);
    if (!first) stored();
  }

  #applyLater(node: Node): void {
    if (node.isApplyDue || node.state.index >= node.commit) return;
    node.isApplyDue = true;
    const { incarnation } = node;
    this.agenda.after(this.#isCalm ? 1 : this.dice.below(8), () => {
      if (node.incarnation !== incarnation || !node.isUp) return;
      node.isApplyDue = false;
      this.input(node, () => "apply", (raft) => this.#apply(node, raft));
    });
  }

  #apply(node: Node, raft: Raft): void {
    // A snapshot that is about to be loaded makes the old state worthless.
    if (raft.status.applied > node.state.index || node.state.index >= node.commit) return;
    const bounds = { countMax: this.dice.between(1, 8), bytesMax: 1_000 };
    for (const entry of raft.entries(node.state.index + 1, node.commit, bounds)) {
      node.state = { index: entry.index, digest: digestAfter(node.state.digest, entry) };
      this.oracle.applied(node);
    }
    raft.applied(node.state.index);
  }

  /** Takes an image of the applied state, which is durable a little later. */
  compact(node: Node): void {
    const { index, digest } = node.state;
    const raft = node.raft!;
    const { snapshot, applied } = raft.status;
    if (index <= snapshot.index || applied !== index) return;
    const reference = raft.snapshotAt(index);
    const { incarnation } = node;
    this.agenda.after(this.dice.below(5 * TICK), () => {
      if (node.incarnation !== incarnation || !node.isUp) return;
      node.images.set(index, digest);
      this.input(node, () => `compact to ${index}`, (raft) => raft.compact(reference));
    });
  }

  // --- Network ----------------------------------------------------------------------------------

  #send(node: Node, message: Message): void {
    this.log(() => `  ${showMessage(message)}`);
    checkClaims(this.oracle, this.byId, node, message);
    if (message.kind === "install") return this.#sendSnapshot(node, message);
    const { dropPercent, duplicatePercent } = this.#network;
    if (this.isCut(message.from, message.to) || this.dice.chance(dropPercent)) return;
    const copies = this.dice.chance(duplicatePercent) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      this.agenda.after(this.#delay(message), () => this.#arrive(message));
    }
  }

  #delay({ from, to }: Message): number {
    const { delayMax, slowPercent, inOrder } = this.#network;
    const delay = 1 + this.dice.below(this.dice.chance(slowPercent) ? SLOW : delayMax);
    if (!inOrder) return delay;
    const { now } = this.agenda;
    const arrival = Math.max(now + delay, this.#arrivals.get(`${from} ${to}`) ?? 0);
    this.#arrivals.set(`${from} ${to}`, arrival);
    return arrival - now;
  }

  /** A link that was cut on the way mostly takes what was on it along. */
  #arrive(message: Message): void {
    if (!this.isCut(message.from, message.to) || this.dice.chance(30)) this.#deliver(message);
  }

  #deliver(message: Message): void {
    const node = this.byId.get(message.to)!;
    this.input(node, () => showMessage(message), (raft) => {
      if (answersAppend(message)) node.unanswered.delete(message.from);
      raft.step(message);
    });
  }

  /** The bytes travel with the message; when they do not arrive, the sender is told. */
  #sendSnapshot(node: Node, message: Install): void {
    const { incarnation } = node;
    const receiver = this.byId.get(message.to)!;
    const { index } = message.snapshot.position;
    const fails = this.dice.chance(this.#network.dropPercent);
    const digest = node.images.get(index)!;
    this.agenda.after(
      this.#delay(message) + this.dice.below(this.#isCalm || this.dice.chance(50) ? TICK : SLOW),
      () => {
        if (!fails && receiver.isUp && !this.isCut(message.from, message.to)) {
          receiver.images.set(index, digest);
          this.#deliver(message);
          if (this.dice.chance(this.#network.duplicatePercent)) this.#deliver(message);
        } else if (node.incarnation === incarnation) {
          this.lost(node, message.to);
        }
      },
    );
  }

  lost(node: Node, peer: NodeId): void {
    this.input(node, () => `lost ${peer}`, (raft) => {
      node.unanswered.delete(peer);
      raft.lost(peer);
    });
  }

  disconnected(node: Node, peer: NodeId): void {
    this.input(node, () => `disconnected ${peer}`, (raft) => {
      node.unanswered.delete(peer);
      raft.disconnected(peer);
    });
  }

  isCut(from: NodeId, to: NodeId): boolean {
    return this.cuts.has(`${from} ${to}`);
  }

  /** The end of all trouble: links, disks and clocks are as they should be from now on. */
  calm(): void {
    this.#network = CALM;
    this.#isCalm = true;
    this.cuts.clear();
    // A single voter depends on no answer in time: it must lead however slow its disk is.
    const isAlone = this.nodes.every(({ disk }) => disk.full.membership.voters.length === 1);
    if (isAlone && this.dice.chance(50)) this.calmDisk = 1.5 * this.options.electionTicks * TICK;
    // Clocks in step are the hardest for elections, and those of one machine are.
    const drift = this.dice.below(2);
    for (const node of this.nodes) {
      if (node.paused) this.resume(node);
      node.tickEvery = TICK + this.dice.below(1 + drift);
    }
  }

  /** Every message and every write from before `calm` has arrived by then. */
  static readonly SETTLED = 2 * SLOW + 10 * TICK;
}

function touchesMembers(write: Write | null): boolean {
  return write !== null &&
    (write.truncateFrom !== undefined || write.snapshot !== undefined ||
      write.entries.some(({ kind }) => kind === "membership"));
}
