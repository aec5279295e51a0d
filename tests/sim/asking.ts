/** Questions to nodes of the simulated cluster, through the service that every protocol calls. */

import type { Result } from "../../src/base/mod.ts";
import { Service, type ServiceError } from "../../src/service/mod.ts";
import type { SimCluster } from "../support/sim_cluster.ts";

/** Longer than any deadline: whoever hears nothing until then gives up on the answer. */
const PATIENCE_MS = 8_000;
export const TIMEOUT_MS = 5_000;

export class Asking {
  readonly #cluster: SimCluster;
  /** Calls under way, by the node that has them; `give up` ends each. */
  readonly #open = new Map<string, Set<() => void>>();

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
  }

  /** The process of `id` is gone: nobody will answer what it was asked. */
  nodeEnded(id: string): void {
    for (const giveUp of this.#open.get(id) ?? []) giveUp();
  }

  /** Null when no answer came. A paused node hears the question only when it goes on. */
  ask<T>(
    id: string,
    operation: (service: Service) => Promise<Result<T, ServiceError>>,
  ): Promise<Result<T, ServiceError> | null> {
    const cluster = this.#cluster;
    const host = cluster.host(id);
    const node = cluster.node(id);
    const open = this.#open.get(id) ?? new Set();
    this.#open.set(id, open);
    return new Promise((resolve) => {
      const finish = (answer: Result<T, ServiceError> | null) => {
        open.delete(giveUp);
        patience.cancel();
        resolve(answer);
      };
      const giveUp = () => finish(null);
      const patience = cluster.clock.after(PATIENCE_MS, giveUp);
      open.add(giveUp);
      host.clock.soon(() => {
        const { clock } = host;
        const service = new Service({ replica: node, clock, requestTimeoutMs: TIMEOUT_MS });
        void operation(service).then(finish);
      });
    });
  }
}
