/**
 * `keva import`: stores items from lines of JSON.
 */

import { DiskError } from "../base/mod.ts";
import { type KevaClient, KevaError } from "../client/mod.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { Counter, countOf } from "./counter.ts";
import { CommandError, explainError, usageError } from "./error.ts";
import { type ItemLine, LINE_BYTES_MAX, parseItem } from "./item_line.ts";
import { chunksOfFile, type Line, linesOf } from "./lines.ts";
import { clientCommand, timeoutOption, wholeNumber } from "./options.ts";

const EPILOGUE = `
Each line is an object with key or key64, value or value64 (base64), contentType and expiresMs, as
"keva export" writes them. An item that is there already is overwritten; one that has expired since
goes at once. When a line fails, no further ones are begun, and the message says which one and how
many are stored; to run it again is harmless.

Examples:
  keva import --file all.jsonl
  keva export --endpoints old:380 | keva import --endpoints new:380`;

const PARALLEL = 32;
const PARALLEL_MAX = 1_000;

export function importCommand(context: Context) {
  return clientCommand("import")
    .summary("store items from lines of JSON")
    .description("Stores items from lines of JSON, from a file or from standard input.")
    .option("-f, --file <path>", "read this file instead of standard input")
    .option("--parallel <count>", "writes under way at a time", parallelFrom, PARALLEL)
    .addOption(timeoutOption())
    .addHelpText("after", EPILOGUE)
    .action(async (options) => {
      const { file, parallel } = options;
      if (file === undefined && context.stdin.isTerminal) {
        throw usageError("there are no items; give them with --file or through a pipe");
      }
      const chunks = file === undefined ? context.stdin.chunks() : chunksOfFile(context, file);
      const bytesTotal = file === undefined ? undefined : sizeOf(context, file);
      const counter = new Counter(context, { verb: "stored", bytesTotal });
      const importing = new Importing(connect(context, options), { counter, parallel });
      await importing.run(linesOf(chunks, LINE_BYTES_MAX));
      context.stdout.write(`stored ${countOf(counter.items)}\n`);
    });
}

function parallelFrom(text: string): number {
  const count = wholeNumber("It must be a whole number.")(text);
  return Math.min(Math.max(count, 1), PARALLEL_MAX);
}

class Importing {
  readonly #keva: KevaClient;
  readonly #counter: Counter;
  readonly #parallel: number;
  readonly #underWay = new Set<Promise<void>>();
  /** By key: of two lines for one key, the later has to be stored later. */
  readonly #keys = new Map<string, Promise<void>>();
  #failure: { readonly line: number; readonly error: unknown } | null = null;

  constructor(
    keva: KevaClient,
    { counter, parallel }: { readonly counter: Counter; readonly parallel: number },
  ) {
    this.#keva = keva;
    this.#counter = counter;
    this.#parallel = parallel;
  }

  async run(lines: AsyncIterable<Line>): Promise<void> {
    try {
      for await (const line of lines) {
        const item = parseItem(line.text);
        if (!item.ok) this.#failed(line, new CommandError(item.error));
        else await this.#begin(line, item.value);
        if (this.#failure !== null) break;
      }
    } finally {
      await Promise.all(this.#underWay);
      this.#counter.clear();
    }
    if (this.#failure !== null) throw this.#explained(this.#failure);
  }

  /** Resolves when there is room for one more. */
  async #begin(line: Line, item: ItemLine): Promise<void> {
    const key = item.key.toBase64();
    await this.#keys.get(key);
    const writing: Promise<void> = this.#store(line, item).finally(() => {
      this.#underWay.delete(writing);
      if (this.#keys.get(key) === writing) this.#keys.delete(key);
    });
    this.#underWay.add(writing);
    this.#keys.set(key, writing);
    const room = Promise.withResolvers<void>();
    if (this.#underWay.size < this.#parallel) room.resolve();
    else for (const each of this.#underWay) void each.then(room.resolve);
    await room.promise;
  }

  async #store(line: Line, { key, value, ...about }: ItemLine): Promise<void> {
    try {
      await this.#keva.put(key, value, about);
      this.#counter.add(line.bytes);
    } catch (error) {
      if (!(error instanceof KevaError)) throw error;
      this.#failed(line, error);
    }
  }

  /** The first line that failed is the one to be told. */
  #failed({ number }: Line, error: unknown): void {
    if (this.#failure === null || number < this.#failure.line) {
      this.#failure = { line: number, error };
    }
  }

  #explained({ line, error }: { readonly line: number; readonly error: unknown }): CommandError {
    const { text } = explainError(error, false);
    return new CommandError(
      `line ${line}: ${text}\nstored ${
        countOf(this.#counter.items)
      } before that; correct what is ` +
        `wrong and run it again, which stores the same items once more`,
    );
  }
}

/** Undefined when that cannot be told; reading it will say why. */
function sizeOf(context: Context, path: string): number | undefined {
  try {
    const file = context.ports.disk.open(path, "read");
    try {
      return file.size();
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}
