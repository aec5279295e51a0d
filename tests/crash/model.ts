/**
 * What a log must hold, told by the writes that it was given: the state after each of their
 * records, since a write may reach the disk in parts, and every part leaves a legal state.
 */

import type { Entry, HardState, Position, Recovered, Write } from "../../src/raft/mod.ts";
import { recordsOf } from "../../src/storage/records.ts";

type State = { hard: HardState; mark: Position; entries: readonly Entry[] };

export class Model {
  #state: State;
  /** A line for each state, oldest first; the first is where it began. */
  readonly lines: string[];
  /** Which of them each write that was appended leads to. */
  readonly #after = new Map<number, number>();
  /** Of the states: what is promised, and everything later may be there too. */
  promised = 0;

  constructor(recovered: Recovered) {
    const { hard, snapshot, entries } = recovered;
    this.#state = { hard, mark: snapshot.position, entries };
    this.lines = [lineOf(this.#state)];
  }

  get hard(): HardState {
    return this.#state.hard;
  }

  get mark(): Position {
    return this.#state.mark;
  }

  get last(): Position {
    return this.#state.entries.at(-1) ?? this.#state.mark;
  }

  /** The position at `index`, if the log holds it. */
  at(index: number): Position | undefined {
    if (index === this.mark.index) return this.mark;
    return this.#state.entries[index - this.mark.index - 1];
  }

  append(write: Write): void {
    for (const record of recordsOf(write)) {
      const { hard, mark, entries } = this.#state;
      switch (record.kind) {
        case "hard":
          this.#state = { hard: record.hard, mark, entries };
          break;
        case "truncate":
          this.#state = { hard, mark, entries: entries.filter((one) => one.index < record.from) };
          break;
        case "mark": {
          const { position } = record.mark;
          const holds = this.at(position.index)?.term === position.term;
          const kept = holds ? entries.filter(({ index }) => index > position.index) : [];
          this.#state = { hard, mark: position, entries: kept };
          break;
        }
        case "entry":
          this.#state = { hard, mark, entries: [...entries, record.entry] };
      }
      this.lines.push(lineOf(this.#state));
    }
    this.#after.set(write.id, this.lines.length - 1);
  }

  stored(write: Write): void {
    this.promised = Math.max(this.promised, this.#after.get(write.id) ?? 0);
  }
}

export function lineOfRecovered({ hard, snapshot, entries }: Recovered): string {
  return lineOf({ hard, mark: snapshot.position, entries });
}

function lineOf({ hard, mark, entries }: State): string {
  const list = entries.map(({ index, term, payload }) => `${index}@${term}:${sumOf(payload)}`);
  return `term ${hard.term} vote ${hard.vote} commit ${hard.commit}, ` +
    `mark ${mark.index}@${mark.term}, ${list.join(" ")}`;
}

function sumOf(payload: Uint8Array): string {
  return `${payload.length}/${payload.reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7)}`;
}
