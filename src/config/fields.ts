/**
 * The kinds of setting, as zod types. Each accepts its value as text too, since the first Keva's
 * files, the environment and flags hold nothing else, and carries its own documentation.
 */

import { TomlDate } from "smol-toml";
import * as z from "zod";
import { printableText } from "../base/mod.ts";
import { parsePublicKey, type PublicKey } from "../keys/mod.ts";
import { parseHost } from "./address.ts";

export type SettingMeta = {
  readonly unit: string;
  /** As it stands in a file; a sentence when it depends on other settings. */
  readonly standard: string;
  /** What is allowed, after "must be". */
  readonly allowed: string;
};

const HOST_NAMES_MAX = 100;
const PATHS_MAX = 100;

type Range = { readonly min: number; readonly max: number };

/** `what` is it, in an error: "a port number", "a whole number of bytes". */
export function wholeNumber(what: string, range: Range) {
  const error = mustBe(`${what} from ${range.min} to ${range.max}`);
  return z.preprocess(
    (value) => typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value,
    z.number({ error }).int({ error }).min(range.min, { error }).max(range.max, { error }),
  );
}

/** The number, its default, and both in its documentation. */
export function wholeSetting(unit: string, range: Range & { readonly standard: number }) {
  return wholeNumber(`a whole number of ${unit}`, range).default(range.standard).meta({
    unit,
    standard: String(range.standard),
    allowed: `${range.min} to ${range.max}`,
  });
}

/** Seconds, fractions allowed, turned into whole milliseconds. */
export function seconds(range: Range) {
  const error = mustBe(`a number of seconds from ${range.min} to ${range.max}`);
  return z.preprocess(
    (value) => typeof value === "string" && /^\d{1,9}(\.\d{1,9})?$/.test(value) ? +value : value,
    z.number({ error }).min(range.min, { error }).max(range.max, { error }),
  ).transform((value) => Math.round(value * 1000));
}

export function choiceSetting<const T extends readonly [string, ...string[]]>(
  choices: T,
  standard: T[number],
) {
  const allowed = choices.map((choice) => `"${choice}"`).join(", ");
  return z.enum(choices, { error: mustBe(`one of ${allowed}`) }).default(standard as never)
    .meta({ unit: "choice", standard: `"${standard}"`, allowed });
}

export function booleanSetting(standard: boolean) {
  const words: Record<string, boolean> = { true: true, false: false };
  return z.preprocess(
    (value) => typeof value === "string" ? words[value] ?? value : value,
    z.boolean({ error: mustBe("true or false") }),
  ).default(standard).meta({
    unit: "choice",
    standard: String(standard),
    allowed: "true or false",
  });
}

/** A name that goes into logs, tables and directories: visible ASCII, no spaces. */
export function visibleName() {
  const error = mustBe("1 to 64 visible ASCII characters without spaces");
  return z.string({ error }).regex(/^[\x21-\x7e]{1,64}$/, { error });
}

export function nameSetting(standard: string) {
  return visibleName().default(standard).meta({
    unit: "text",
    standard: `"${standard}"`,
    allowed: "1 to 64 visible ASCII characters without spaces",
  });
}

export function host() {
  const error = mustBe("a host name or an IP address without a port");
  return z.string({ error })
    .refine((text) => parseHost(text) !== null, { error })
    .transform((text) => parseHost(text) as string);
}

/** The name of a file or directory; its absence means something, which `standard` says. */
export function pathSetting(standard: string) {
  const allowed = "1 to 1024 characters, none of them invisible";
  const error = mustBe(`a path of ${allowed}`);
  return z.string({ error }).regex(/^[^\p{Cc}]{1,1024}$/u, { error }).optional().meta({
    unit: "path",
    standard,
    allowed,
  });
}

/** One file or several, as a list or separated by commas. */
export function pathsSetting() {
  const allowed = "paths of 1 to 1024 characters, none of them invisible";
  const error = mustBe(allowed);
  const path = z.string({ error }).regex(/^[^\p{Cc}]{1,1024}$/u, { error });
  return z.preprocess(
    (value) => typeof value === "string" ? value.split(",").filter((part) => part !== "") : value,
    z.array(path, { error }).max(PATHS_MAX, { error }),
  ).default([]).meta({ unit: "list", standard: "[]", allowed });
}

/** Names for which clients may ask, as a list or separated by commas; IP addresses need none. */
export function hostNames() {
  const allowed = "host names without ports";
  const error = mustBe(allowed);
  const name = z.string({ error }).refine((text) => parseHost(text.trim()) !== null, { error })
    .transform((text) => text.trim());
  return z.preprocess(
    (value) => typeof value === "string" ? value.split(",").filter((part) => part !== "") : value,
    z.array(name, { error }).max(HOST_NAMES_MAX, { error }),
  ).default([]).meta({ unit: "list", standard: "[]", allowed });
}

/** One public key, or a list of them while one takes the place of another. */
export function publicKeys() {
  const error = mustBe('a public key as "keva keygen" prints it, or a list of them');
  const key = z.string({ error }).transform((line, context): PublicKey => {
    const parsed = parsePublicKey(line);
    if (parsed.ok) return parsed.value;
    context.addIssue({ code: "custom", message: `is no public key of a node: ${parsed.error}` });
    return z.NEVER;
  });
  return z.preprocess(
    (value) => typeof value === "string" ? [value] : value,
    z.array(key, { error }).min(1, { error }),
  ).optional();
}

/** `[[node]]`, which no file can do without. */
export function nodeTables<T extends z.ZodType>(node: T) {
  const error = mustBe("one or more [[node]] tables");
  return z.array(node, { error }).min(1, { error });
}

/** The text of an error: what is allowed, and what stands there instead. */
function mustBe(allowed: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) =>
    input === undefined
      ? `is missing; it must be ${allowed}`
      : `must be ${allowed}, not ${show(input)}`;
}

function show(input: unknown): string {
  if (Array.isArray(input)) return "a list";
  if (input instanceof TomlDate) return "a date";
  if (typeof input === "object") return "a table";
  if (typeof input !== "string") return String(input);
  return `"${printableText(input.slice(0, 64))}"`;
}
