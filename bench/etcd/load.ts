/**
 * The load generator for etcd, which shows it at its best: its native protocol, gRPC, over one
 * connection to each node that all clients of the node share.
 *
 * A right answer has the gRPC status 0 and a revision; one to a read has the value of the key.
 */

import { serveJobs } from "../load/process.ts";
import type { Protocol, Session } from "../load/session.ts";
import type { Operation } from "../workload.ts";
import { Http2Connection } from "./http2.ts";
import { itemFault, KvCall, revisionOf } from "./kv.ts";
import { MessageReader } from "./protobuf.ts";

type Connect = () => Promise<Http2Connection>;

class GrpcSession implements Session {
  revision = 0;
  readonly #connect: Connect;
  readonly #valueBytes: number;
  readonly #calls: Readonly<Record<Operation, KvCall>>;

  constructor(connect: Connect, place: { readonly port: number; readonly valueBytes: number }) {
    this.#connect = connect;
    this.#valueBytes = place.valueBytes;
    this.#calls = { read: new KvCall("read", place), write: new KvCall("write", place) };
  }

  async ask(operation: Operation, key: Uint8Array): Promise<string | null> {
    const call = this.#calls[operation];
    call.key = key;
    try {
      const connection = await this.#connect();
      return await connection.call(call.frames, (bytes, start, end) => {
        const message = new MessageReader(bytes, start, end);
        this.revision = revisionOf(message);
        if (this.revision === 0) return "wrong: no revision";
        return operation === "read" ? itemFault(message, key, this.#valueBytes) : null;
      });
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

/** One connection for each node, made again when it has ended. */
class GrpcProtocol implements Protocol {
  readonly #connections = new Map<number, Promise<Http2Connection>>();

  session(port: number, valueBytes: number): Session {
    return new GrpcSession(() => this.#connection(port), { port, valueBytes });
  }

  close(): void {
    for (const connection of this.#connections.values()) {
      connection.then((open) => open.close(), () => {});
    }
  }

  async #connection(port: number): Promise<Http2Connection> {
    const known = this.#connections.get(port);
    const open = await known?.catch(() => undefined);
    if (open !== undefined && !open.hasEnded) return open;
    // Of all who find it ended, the first one connects.
    if (this.#connections.get(port) === known) {
      this.#connections.set(port, Http2Connection.connect(port));
    }
    return await this.#connections.get(port) as Http2Connection;
  }
}

if (import.meta.main) await serveJobs(() => new GrpcProtocol());
