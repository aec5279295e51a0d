/**
 * A hostile client in a process of its own, with as many file descriptors as it may have: opens many
 * connections, is slow or silent on them, and prints what became of them, a line of JSON at a time.
 *
 * deno run -A attacker.ts KIND PORT COUNT ADDRESS,…
 */

import net from "node:net";
import type { AttackKind, AttackState } from "./attack.ts";
import { pause } from "./wait.ts";

const HOST = "127.0.0.1";
/** Connections that are dialed at the same time. */
const PORTION = 200;
const DRIP_MS = 500;
const REPORT_MS = 100;

/** What each kind says first; then it goes on with a byte at a time, or with nothing. */
const OPENINGS: Readonly<Record<AttackKind, string | null>> = {
  "slow-head": "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
  "slow-body":
    "PUT /v1/storage/key/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n",
  "silent": null,
};

const state: AttackState = {
  attempted: 0,
  open: 0,
  opened: 0,
  unreachable: 0,
  statuses: {},
};

async function main([kind, port, count, addresses]: string[]): Promise<void> {
  const opening = OPENINGS[kind as AttackKind];
  const from = (addresses as string).split(",");
  setInterval(() => console.log(JSON.stringify(state)), REPORT_MS);
  while (state.attempted < Number(count)) {
    const portion = Math.min(PORTION, Number(count) - state.attempted);
    await Promise.all(Array.from({ length: portion }, (_, i) => {
      const localAddress = from[(state.attempted + i) % from.length] as string;
      return attack({ port: Number(port), localAddress }, opening);
    }));
    state.attempted += portion;
  }
}

/** Resolves once it is known whether the connection came about; then goes on by itself. */
function attack(
  target: { readonly port: number; readonly localAddress: string },
  opening: string | null | undefined,
): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect({ ...target, host: HOST });
    let connected = false;
    socket.on("connect", () => {
      connected = true;
      state.open++;
      state.opened++;
      if (typeof opening === "string") void drip(socket, opening);
      resolve();
    });
    socket.on("data", (bytes: Uint8Array) => {
      const status = /^HTTP\/1\.1 (\d{3})/.exec(new TextDecoder().decode(bytes))?.[1];
      if (status !== undefined) state.statuses[status] = (state.statuses[status] ?? 0) + 1;
    });
    socket.on("error", () => {}); // close follows
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      if (connected) state.open--;
      else state.unreachable++;
      resolve();
    });
  });
}

async function drip(socket: net.Socket, opening: string): Promise<void> {
  socket.write(opening);
  while (!socket.destroyed) {
    await pause(DRIP_MS);
    if (socket.writable) socket.write("x");
  }
}

await main(Deno.args);
