/**
 * The clients of a load generator, whatever their protocol. Every answer is checked, and only a
 * right one counts: what is right of a single answer its session knows; across answers, each write
 * of a client has a revision above that of its write before.
 */

import type { Operation } from "../workload.ts";
import type { Protocol, Session } from "./session.ts";
import type { Tally } from "./tally.ts";

/** Between two attempts of a client that failed, so that a node that refuses is not flooded. */
const RETRY_MS = 20;

export type Request = {
  readonly operation: Operation;
  readonly key: Uint8Array;
  /** When it should be sent; its latency counts from here. */
  readonly dueAt: number;
};

/** Gives the next request when it is due, or null to stop. */
export type Source = () => Request | null | Promise<Request | null>;

export type ClientsOptions = {
  readonly protocol: Protocol;
  /** Of the nodes, all on 127.0.0.1. */
  readonly ports: readonly number[];
  readonly clients: number;
  readonly valueBytes: number;
  readonly source: Source;
  readonly tally: Tally;
};

/** Runs until the source has no more and every request is answered. */
export async function runClients(options: ClientsOptions): Promise<void> {
  const { protocol, clients, valueBytes } = options;
  const sessionsOf = (client: number): Session[] =>
    portsOf(client, options).map((port) => protocol.session(port, valueBytes));
  try {
    await Promise.all(
      Array.from({ length: clients }, (_, client) => runClient(sessionsOf(client), options)),
    );
  } finally {
    protocol.close();
  }
}

/** Each client has its node; fewer clients than nodes share the nodes out and ask theirs in turn. */
function portsOf(client: number, { ports, clients }: ClientsOptions): readonly number[] {
  return clients < ports.length
    ? ports.filter((_, node) => node % clients === client)
    : [ports[client % ports.length] as number];
}

/** One client: a request, its answer, the next request. */
async function runClient(
  sessions: readonly Session[],
  { source, tally }: ClientsOptions,
): Promise<void> {
  let revision = 0;
  let turn = 0;
  for (let request = await source(); request !== null; request = await source()) {
    const session = sessions[turn++ % sessions.length] as Session;
    const { operation, key, dueAt } = request;
    let fault = await session.ask(operation, key);
    if (fault === null && operation === "write") {
      if (session.revision <= revision) fault = "wrong: the revision does not grow";
      revision = session.revision;
    }
    if (fault === null) {
      tally.done(dueAt);
    } else {
      tally.failed(fault);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
