/**
 * Asks every member how it is, over the links between nodes, and gives up on those that do not
 * answer in time.
 */

import { type Clock, fromUtf8, type Timer, utf8 } from "../base/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import type { NodeStatus } from "./types.ts";

export type ClusterViewOptions = {
  readonly clock: Clock;
  /** False when the question certainly did not leave. */
  readonly ask: (to: NodeId, id: number) => boolean;
  readonly timeoutMs: number;
};

type Question = { readonly to: NodeId; readonly timer: Timer; answer(status?: NodeStatus): void };

export class ClusterView {
  readonly #options: ClusterViewOptions;
  readonly #questions = new Map<number, Question>();
  #lastId = 0;

  constructor(options: ClusterViewOptions) {
    this.#options = options;
  }

  /** The status of `member`, or undefined when it could not be had in time. Never rejects. */
  ask(member: NodeId): Promise<NodeStatus | undefined> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const answer = (status?: NodeStatus) => {
        this.#questions.delete(id);
        timer.cancel();
        resolve(status);
      };
      const timer = this.#options.clock.after(this.#options.timeoutMs, () => answer());
      this.#questions.set(id, { to: member, timer, answer });
      if (!this.#options.ask(member, id)) answer();
    });
  }

  answered(from: NodeId, id: number, bytes: Uint8Array): void {
    const question = this.#questions.get(id);
    if (question?.to === from) question.answer(decodeStatus(bytes));
  }

  close(): void {
    for (const question of [...this.#questions.values()]) question.answer();
  }
}

export function encodeStatus(status: NodeStatus): Uint8Array {
  return utf8(JSON.stringify(status));
}

/** Undefined for what is no status. A peer of another version may know more fields, or fewer. */
function decodeStatus(bytes: Uint8Array): NodeStatus | undefined {
  const text = fromUtf8(bytes);
  if (!text.ok) return undefined;
  try {
    const status: unknown = JSON.parse(text.value);
    const plausible = typeof status === "object" && status !== null && "id" in status;
    return plausible ? status as NodeStatus : undefined;
  } catch {
    return undefined;
  }
}
