/** Makes targets, each with a directory of its own, and ends whatever it made. */

import type { Stage } from "./events/experiment.ts";
import type { Target, TargetKind, TargetName } from "./target.ts";

export class RealStage implements Stage {
  readonly kinds: readonly TargetKind[];
  readonly #directory: string;
  readonly #made = new Set<Target>();
  #count = 0;

  /** All that is made lies in `directory`. */
  constructor(kinds: readonly TargetKind[], directory: string) {
    this.kinds = kinds;
    this.#directory = directory;
  }

  get targets(): readonly TargetName[] {
    return this.kinds.map(({ name }) => name);
  }

  async with<T>(
    name: TargetName,
    run: (target: Target) => Promise<T>,
    settings?: string,
  ): Promise<T> {
    const kind = this.kinds.find((kind) => kind.name === name);
    if (kind === undefined) throw new Error(`there is no ${name}`);
    const directory = `${this.#directory}/${name}-${++this.#count}`;
    await Deno.mkdir(directory);
    const target = kind.make(directory, settings);
    this.#made.add(target);
    try {
      await target.start();
      return await run(target);
    } finally {
      await this.#end(target);
    }
  }

  /** A cluster of each kind at once. */
  withAll<T>(run: (targets: readonly Target[]) => Promise<T>): Promise<T> {
    const start = (names: readonly TargetName[], started: readonly Target[]): Promise<T> => {
      const [name, ...rest] = names;
      if (name === undefined) return run(started);
      return this.with(name, (target) => start(rest, [...started, target]));
    };
    return start(this.targets, []);
  }

  say(progress: string): void {
    console.log(progress);
  }

  /** At any time. */
  async stop(): Promise<void> {
    await Promise.all([...this.#made].map((target) => this.#end(target)));
  }

  /** Its data goes at once: an experiment may leave gigabytes. */
  async #end(target: Target): Promise<void> {
    if (!this.#made.delete(target)) return;
    await target.stop();
    await Deno.remove(target.directory, { recursive: true });
  }
}
