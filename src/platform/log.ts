/**
 * The Log port: one line per event on a sink, as text for people or as JSON for collectors.
 */

import { type Log, type LogFields, printableText } from "../base/mod.ts";

const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

export type LogOptions = {
  /** Events below it are dropped. */
  readonly level: LogLevel;
  readonly format: "text" | "json";
  readonly colour: boolean;
  readonly wallTime: () => number;
  readonly write: (line: string) => void;
};

type Event = {
  readonly timeMs: number;
  readonly level: LogLevel;
  readonly name: string;
  readonly fields: LogFields;
};

const COLOURS: Record<LogLevel, string> = { debug: "90", info: "36", warn: "33", error: "31" };

export function createLog(options: LogOptions): Log {
  return logWith(options, {});
}

function logWith(options: LogOptions, common: LogFields): Log {
  const lowest = LOG_LEVELS.indexOf(options.level);
  const at = (level: LogLevel) => (name: string, fields: LogFields = {}): void => {
    if (LOG_LEVELS.indexOf(level) < lowest) return;
    const event = { timeMs: options.wallTime(), level, name, fields: { ...common, ...fields } };
    options.write(options.format === "json" ? jsonLine(event) : textLine(event, options.colour));
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (fields) => logWith(options, { ...common, ...fields }),
  };
}

function jsonLine(event: Event): string {
  const escaped = Object.entries(event.fields)
    .map(([name, value]) => [name, typeof value === "string" ? printableText(value) : value]);
  return JSON.stringify({
    ...Object.fromEntries(escaped),
    time: new Date(event.timeMs).toISOString(),
    level: event.level,
    event: event.name,
  }) + "\n";
}

function textLine(event: Event, colour: boolean): string {
  const time = new Date(event.timeMs).toISOString();
  const level = event.level.toUpperCase().padEnd(5);
  const painted = colour ? `\x1b[${COLOURS[event.level]}m${level}\x1b[0m` : level;
  let line = `${time} ${painted} ${event.name}`;
  for (const [name, value] of Object.entries(event.fields)) {
    if (value !== undefined) line += ` ${name}=${textValue(value)}`;
  }
  return line + "\n";
}

/** Quotes what would otherwise not read as one value. */
function textValue(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  const text = printableText(value);
  return /^[^\s"=]+$/.test(text) ? text : `"${text.replaceAll('"', '\\"')}"`;
}
