/**
 * One process of the floor: writes are on the disks of two of three processes before they are
 * answered, a read has asked the leader, and that is all. The first process leads for ever. There
 * are no elections, terms, checks, limits, snapshots or restarts: no database, but about what one on
 * this runtime costs before it is one.
 *
 * `deno run -A node.ts NUMBER CLIENT_PORT PEER_PORT DIRECTORY`
 */

import { setImmediate } from "node:timers";
import { concat, latin1Text } from "../../src/base/mod.ts";
import { type Request, serveClients } from "./front.ts";
import { decodeCommand, encodeCommand, type Frame, Kind, Link, readFrames } from "./wire.ts";

type Batch = {
  readonly id: number;
  readonly own: readonly Request[];
  readonly forwards: readonly { readonly from: number; readonly frame: Frame }[];
  readonly commands: readonly Uint8Array[];
  /** How many have it on their disks. */
  stored: number;
};

const LEADER = 0;
/** Whom the leader asks before it serves reads of its own clients; with it, a majority. */
const ECHO = 1;
const FOLLOWERS = [ECHO, 2];
const MAJORITY = 2;
/** Written once and then over and over, so that no write makes the file longer. */
const LOG_BYTES = 64 * 1024 * 1024;

/** The log: what is waiting is synced together. */
class Log {
  readonly #file: Deno.FsFile;
  readonly #onStored: (id: number) => void;
  #at = 0;
  #waiting: { readonly id: number; readonly commands: readonly Uint8Array[] }[] = [];
  #running = false;

  constructor(directory: string, onStored: (id: number) => void) {
    this.#file = Deno.openSync(`${directory}/log`, { write: true, createNew: true });
    this.#file.writeSync(new Uint8Array(LOG_BYTES));
    this.#file.syncSync();
    this.#onStored = onStored;
  }

  store(id: number, commands: readonly Uint8Array[]): void {
    this.#waiting.push({ id, commands });
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const batches = this.#waiting;
      this.#waiting = [];
      const bytes = concat(batches.flatMap(({ commands }) => commands));
      if (this.#at + bytes.length > LOG_BYTES) this.#at = 0;
      this.#file.seekSync(this.#at, Deno.SeekMode.Start);
      this.#file.writeSync(bytes);
      this.#at += bytes.length;
      await this.#file.syncData();
      for (const { id } of batches) this.#onStored(id);
    }
    this.#running = false;
  }
}

/** What is the same on the leader and on followers. */
abstract class Node {
  protected writes: Request[] = [];
  protected reads: Request[] = [];
  /** Commands that were applied. */
  protected applied = 0;
  readonly #items = new Map<string, Uint8Array>();
  #turnDue = false;

  take(request: Request): void {
    (request.value === null ? this.reads : this.writes).push(request);
    this.soon();
  }

  protected apply(commands: readonly Uint8Array[]): void {
    for (const command of commands) {
      const { key, value } = decodeCommand(command);
      this.#items.set(latin1Text(key), value.slice());
    }
    this.applied += commands.length;
  }

  protected serve(reads: readonly Request[]): void {
    for (const { client, key } of reads) {
      client.answer(this.applied, this.#items.get(latin1Text(key)) ?? new Uint8Array());
    }
  }

  protected soon(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    setImmediate(() => {
      this.#turnDue = false;
      this.turn();
    });
  }

  /** Everything that came in one turn of the loop leaves together. */
  protected abstract turn(): void;
}

class Leader extends Node {
  readonly #links = new Map<number, Link>();
  readonly #log: Log;
  #forwards: { readonly from: number; readonly frame: Frame }[] = [];
  readonly #batches: Batch[] = [];
  #lastId = 0;
  /** Reads that a follower has been asked about. */
  readonly #asked: Request[][] = [];

  constructor(directory: string) {
    super();
    this.#log = new Log(directory, (id) => this.#stored(id));
  }

  /** Waits for its followers: what is sent before they are there is lost. */
  async gather(port: number): Promise<void> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port });
    for (let missing = FOLLOWERS.length; missing > 0; missing--) {
      await this.#welcome(await listener.accept());
    }
  }

  #welcome(tcp: Deno.TcpConn): Promise<void> {
    return new Promise((greeted) => {
      let from = 0;
      void readFrames(tcp, (frame) => {
        if (frame.kind !== Kind.hello) return this.#onFrame(from, frame);
        this.#links.set(from = frame.id, new Link(tcp));
        greeted();
      });
    });
  }

  #onFrame(from: number, frame: Frame): void {
    if (frame.kind === Kind.forward) {
      this.#forwards.push({ from, frame });
      this.soon();
    } else if (frame.kind === Kind.stored) this.#stored(frame.id);
    else if (frame.kind === Kind.ask) {
      this.#links.get(from)?.send(Kind.told, frame.id, this.applied);
    } else if (frame.kind === Kind.told) this.serve(this.#asked.shift() ?? []);
  }

  protected override turn(): void {
    if (this.reads.length > 0) {
      this.#asked.push(this.reads);
      this.reads = [];
      this.#links.get(ECHO)?.send(Kind.ask, 0);
    }
    if (this.writes.length === 0 && this.#forwards.length === 0) return;
    const [own, forwards] = [this.writes, this.#forwards];
    this.writes = [];
    this.#forwards = [];
    const commands = [
      ...own.map(commandOf),
      ...forwards.flatMap(({ frame }) => frame.commands),
    ];
    const id = ++this.#lastId;
    this.#batches.push({ id, own, forwards, commands, stored: 0 });
    for (const to of FOLLOWERS) this.#links.get(to)?.send(Kind.append, id, this.applied, commands);
    this.#log.store(id, commands);
  }

  #stored(id: number): void {
    const batch = this.#batches.find((one) => one.id === id);
    if (batch !== undefined) batch.stored++;
    while ((this.#batches[0]?.stored ?? 0) >= MAJORITY) {
      this.#commit(this.#batches.shift() as Batch);
    }
  }

  #commit({ own, forwards, commands }: Batch): void {
    let index = this.applied;
    this.apply(commands);
    for (const { client } of own) client.answer(++index, undefined);
    for (const { from, frame } of forwards) {
      this.#links.get(from)?.send(Kind.done, frame.id, index + 1);
      index += frame.commands.length;
    }
  }
}

class Follower extends Node {
  readonly #leader: Link;
  readonly #log: Log;
  #lastId = 0;
  readonly #forwarded = new Map<number, readonly Request[]>();
  readonly #asked = new Map<number, readonly Request[]>();
  /** Not yet known to be committed. */
  readonly #unapplied: (readonly Uint8Array[])[] = [];

  constructor(directory: string, tcp: Deno.TcpConn, number: number) {
    super();
    this.#leader = new Link(tcp);
    this.#leader.send(Kind.hello, number);
    this.#log = new Log(directory, (id) => this.#leader.send(Kind.stored, id));
    void readFrames(tcp, (frame) => this.#onFrame(frame));
  }

  #onFrame({ kind, id, index, commands }: Frame): void {
    if (kind === Kind.append) {
      this.#unapplied.push(commands);
      this.#log.store(id, commands);
      this.#applyTo(index);
    } else if (kind === Kind.ask) this.#leader.send(Kind.told, id);
    else if (kind === Kind.told) {
      this.#applyTo(index);
      this.serve(taken(this.#asked, id));
    } else if (kind === Kind.done) {
      taken(this.#forwarded, id).forEach(({ client }, at) => client.answer(index + at, undefined));
    }
  }

  protected override turn(): void {
    if (this.reads.length > 0) {
      this.#asked.set(++this.#lastId, this.reads);
      this.reads = [];
      this.#leader.send(Kind.ask, this.#lastId);
    }
    if (this.writes.length === 0) return;
    this.#forwarded.set(++this.#lastId, this.writes);
    this.#leader.send(Kind.forward, this.#lastId, 0, this.writes.map(commandOf));
    this.writes = [];
  }

  #applyTo(index: number): void {
    while (this.applied < index) this.apply(this.#unapplied.shift() as readonly Uint8Array[]);
  }
}

function commandOf({ key, value }: Request): Uint8Array {
  return encodeCommand(key, value as Uint8Array);
}

function taken(waiting: Map<number, readonly Request[]>, id: number): readonly Request[] {
  const requests = waiting.get(id) ?? [];
  waiting.delete(id);
  return requests;
}

async function leader(directory: string, port: number): Promise<Leader> {
  const leader = new Leader(directory);
  await leader.gather(port);
  return leader;
}

/** The leader may not listen yet. */
async function dial(port: number): Promise<Deno.TcpConn> {
  for (;;) {
    try {
      return await Deno.connect({ hostname: "127.0.0.1", port });
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const [number, clientPort, peerPort, directory] = Deno.args as [string, string, string, string];
const node = Number(number) === LEADER
  ? await leader(directory, Number(peerPort))
  : new Follower(directory, await dial(Number(peerPort)), Number(number));
await serveClients(Number(clientPort), (request) => node.take(request));
