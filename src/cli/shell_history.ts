/**
 * The lines that `keva shell` remembers from one time to the next.
 *
 * Values and tokens are none of a file's business: only lines that can hold neither are kept. In the
 * shell itself all lines of this time can be brought back.
 */

import { DiskError, fromUtf8, utf8 } from "../base/mod.ts";
import type { Context } from "./context.ts";
import { wordsOf } from "./words.ts";

const FILE = "history";
const LINES_MAX = 1_000;
const BYTES_MAX = 1024 * 1024;

/** Commands of whose words none is a value or a secret. */
const KEPT = ["get", "list", "delete", "watch", "export", "import", "status", "keys", "help"];

export class ShellHistory {
  /** The latest first. */
  lines: string[] = [];
  readonly #context: Context;
  readonly #directory: string | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.#directory = context.stateDirectory;
    this.lines = this.#read();
  }

  /** Notes a line, and writes those that may be kept. A disk that refuses is no reason to stop. */
  add(typed: string): void {
    const line = typed.trim();
    if (line === "" || line === this.lines[0]) return;
    this.lines = [line, ...this.lines].slice(0, LINES_MAX);
    if (this.#directory !== undefined && mayKeep(line)) this.#write(this.#directory);
  }

  #read(): string[] {
    if (this.#directory === undefined) return [];
    try {
      const bytes = this.#context.ports.disk.read(`${this.#directory}/${FILE}`, BYTES_MAX);
      const text = fromUtf8(bytes);
      return text.ok ? text.value.split("\n").filter((line) => line !== "").reverse() : [];
    } catch (error) {
      if (error instanceof DiskError) return [];
      throw error;
    }
  }

  /** A new file each time, which only its owner can read. */
  #write(directory: string): void {
    const { disk } = this.#context.ports;
    const unfinished = `${directory}/${FILE}.new`;
    const kept = this.lines.filter(mayKeep).reverse();
    try {
      disk.makeDirectory(directory);
      disk.remove(unfinished);
      const file = disk.open(unfinished, "create");
      try {
        file.writeAt(0, utf8(kept.map((line) => `${line}\n`).join("")));
      } finally {
        file.close();
      }
      disk.rename(unfinished, `${directory}/${FILE}`);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
  }
}

function mayKeep(line: string): boolean {
  const words = wordsOf(line);
  if (!words.ok || line.includes("\n")) return false;
  const [command = "", ...rest] = words.value;
  return KEPT.includes(command) && !rest.some((word) => /^--token(=|$)/.test(word));
}
