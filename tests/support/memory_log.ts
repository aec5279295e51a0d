/** The Log port into an array, for tests that ask what was said, or that want silence. */

import type { Log, LogFields } from "../../src/base/mod.ts";

export type Line = {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly event: string;
  readonly fields: LogFields;
};

export class MemoryLog implements Log {
  readonly lines: Line[];
  readonly #fields: LogFields;

  constructor(lines: Line[] = [], fields: LogFields = {}) {
    this.lines = lines;
    this.#fields = fields;
  }

  debug(event: string, fields?: LogFields): void {
    this.#add("debug", event, fields);
  }

  info(event: string, fields?: LogFields): void {
    this.#add("info", event, fields);
  }

  warn(event: string, fields?: LogFields): void {
    this.#add("warn", event, fields);
  }

  error(event: string, fields?: LogFields): void {
    this.#add("error", event, fields);
  }

  with(fields: LogFields): Log {
    return new MemoryLog(this.lines, { ...this.#fields, ...fields });
  }

  /** The lines about `event`. */
  of(event: string): Line[] {
    return this.lines.filter((line) => line.event === event);
  }

  #add(level: Line["level"], event: string, fields: LogFields = {}): void {
    this.lines.push({ level, event, fields: { ...this.#fields, ...fields } });
  }
}
