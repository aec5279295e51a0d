/** An attack from other addresses than those of the tests' own clients; see attacker.ts. */

import { fileURLToPath } from "node:url";
import { RunningProcess } from "./process.ts";
import { until } from "./wait.ts";

export type AttackKind = "slow-head" | "slow-body" | "silent";

export type AttackState = {
  /** Connections that were tried, were made, are open now, and never came about. */
  attempted: number;
  opened: number;
  open: number;
  unreachable: number;
  /** How many answers of each status came. */
  statuses: Record<string, number>;
};

export type AttackOptions = {
  readonly kind: AttackKind;
  readonly port: number;
  readonly connections: number;
  /** Of this machine; taken in turn. */
  readonly addresses: readonly string[];
};

const ATTACKER = fileURLToPath(new URL("attacker.ts", import.meta.url));
/** The child may open as many files as this one is allowed to allow it. */
const RAISED = 'ulimit -n "$(ulimit -Hn)" && exec "$0" "$@"';

export class Attack {
  readonly #options: AttackOptions;
  readonly #process: RunningProcess;

  constructor(options: AttackOptions) {
    const { kind, port, connections, addresses } = options;
    this.#options = options;
    const run = [Deno.execPath(), "run", "-A", "--no-check", ATTACKER];
    this.#process = new RunningProcess("sh", {
      args: ["-c", RAISED, ...run, kind, String(port), String(connections), addresses.join(",")],
    });
  }

  /** As it was last told. */
  get state(): AttackState | undefined {
    const line = this.#process.lines.findLast((text) => text.startsWith("{"));
    return line === undefined ? undefined : JSON.parse(line);
  }

  /** Waits until every connection was tried. */
  attempted(): Promise<AttackState> {
    return this.until(
      "every connection tried",
      ({ attempted }) => attempted === this.#options.connections,
    );
  }

  until(what: string, holds: (state: AttackState) => boolean): Promise<AttackState> {
    return until(`${this.#options.kind}: ${what}`, () => {
      if (!this.#process.isRunning) throw new Error(this.#process.text);
      const { state } = this;
      return state !== undefined && holds(state) && state;
    }, 30_000);
  }

  /** All its connections break. */
  async stop(): Promise<void> {
    await this.#process.kill();
  }
}

/** `count` loopback addresses that nothing else here uses; `rank` keeps attacks apart. */
export function addressesOf(rank: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `127.0.${rank}.${i + 1}`);
}
