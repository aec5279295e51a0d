/**
 * Where settings come from: the file, the environment, flags. Merges them into one tree of plain
 * values that remembers the origin of each.
 *
 * `smol-toml` gives the values and the syntax errors; `toml-eslint-parser` gives the line of each
 * key, because it is the one maintained parser that keeps positions, and a scan of our own would
 * have to understand strings and nesting all over again.
 */

import { parse, TomlError } from "smol-toml";
import { type AST, parseTOML } from "toml-eslint-parser";
import { closest, distance } from "fastest-levenshtein";
import { err, ok, printableText, type Result } from "../base/mod.ts";
import { type Setting, settings } from "./schema.ts";

export type Sources = {
  readonly file: { readonly path: string; readonly text: string };
  /** The variables whose names start with `KEVA_`. */
  readonly env: Readonly<Record<string, string>>;
  /** `name=value` of each `--set`. */
  readonly set: readonly string[];
};

export type Origin =
  | { readonly kind: "file"; readonly path: string; readonly line: number }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "flag"; readonly name: string }
  | { readonly kind: "default" };

/** Something wrong, and where it stands. */
export type Problem = { readonly where: string; readonly message: string };

export type Tree = { [key: string]: unknown };

export type Merged = {
  readonly values: Tree;
  /** Of the value at a path, or of the nearest table around it that is there. */
  origin(path: readonly PropertyKey[]): Origin;
  readonly warnings: readonly string[];
};

/** Variables that other parts of the program read. */
const OTHER_VARIABLES = [
  "KEVA_CONFIG_FILE",
  "KEVA_NODE_IDENTITY",
  "KEVA_WORKING_DIRECTORY",
  "KEVA_ENDPOINTS",
  "KEVA_TOKEN",
  "KEVA_TOKEN_FILE",
  "KEVA_CACERT",
  "KEVA_CERT",
  "KEVA_KEY",
  "KEVA_TRACE",
];

export function problemText(problem: Problem): string {
  return `${problem.where}: ${problem.message}`;
}

export function originText(origin: Origin): string {
  if (origin.kind === "default") return "default";
  return origin.kind === "file" ? `${origin.path}:${origin.line}` : origin.name;
}

export function mergeSources(sources: Sources): Result<Merged, Problem[]> {
  const read = readToml(sources.file.path, sources.file.text);
  if (!read.ok) return err([read.error]);
  const { values, lines } = read.value;
  const origins = new Map<string, Origin>();
  for (const [key, line] of lines) {
    origins.set(key, { kind: "file", path: sources.file.path, line });
  }
  const problems: Problem[] = [];
  function put(setting: Setting, value: string, origin: Origin): void {
    if (setValue(values, setting.path, value)) origins.set(pathKey(setting.path), origin);
  }

  for (const setting of settings()) {
    const value = sources.env[setting.variable];
    if (value !== undefined) put(setting, value, { kind: "variable", name: setting.variable });
  }
  for (const assignment of sources.set) {
    const found = findSetting(assignment);
    if (!found.ok) problems.push(found.error);
    else {
      const { setting, value } = found.value;
      put(setting, value, { kind: "flag", name: `--set ${setting.name}` });
    }
  }
  if (problems.length > 0) return err(problems);
  return ok({
    values,
    origin: (path) => nearest(origins, path) ?? { kind: "file", path: sources.file.path, line: 1 },
    warnings: unknownVariables(sources.env),
  });
}

/** `; did you mean "x"?` when one of `known` is close to `given`, else nothing. */
export function didYouMean(given: string, known: readonly string[]): string {
  if (known.length === 0) return "";
  const best = closest(given, known as string[]);
  const isClose = distance(given, best) <= Math.max(2, Math.floor(given.length / 3));
  return isClose ? `; did you mean "${best}"?` : "";
}

function readToml(
  path: string,
  text: string,
): Result<{ values: Tree; lines: Map<string, number> }, Problem> {
  try {
    return ok({ values: parse(text) as Tree, lines: keyLines(text) });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line is the sentence; the rest draws the place.
    const sentence = error.message.split("\n")[0]?.replace("Invalid TOML document: ", "");
    return err({
      where: `${path}:${error.line}:${error.column}`,
      message: `not valid TOML: ${sentence}`,
    });
  }
}

/** The line of each key and table, by path. Empty when the second parser is stricter. */
function keyLines(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  let program: AST.TOMLProgram;
  try {
    program = parseTOML(text);
  } catch {
    return lines; // errors then name the file's first line
  }
  for (const node of program.body[0].body) {
    if (node.type === "TOMLKeyValue") addKeyLines(lines, [], node);
    else {
      addLine(lines, node.resolvedKey, node.key.loc.start.line);
      for (const pair of node.body) addKeyLines(lines, node.resolvedKey, pair);
    }
  }
  return lines;
}

function addKeyLines(
  lines: Map<string, number>,
  table: readonly (string | number)[],
  pair: AST.TOMLKeyValue,
): void {
  const path = [...table];
  for (const key of pair.key.keys) {
    path.push(key.type === "TOMLBare" ? key.name : key.value);
    addLine(lines, path, key.loc.start.line);
  }
  if (pair.value.type === "TOMLInlineTable") {
    for (const inner of pair.value.body) addKeyLines(lines, path, inner);
  }
  if (pair.value.type === "TOMLArray") {
    pair.value.elements.forEach((element, position) => {
      addLine(lines, [...path, position], element.loc.start.line);
      if (element.type !== "TOMLInlineTable") return;
      for (const inner of element.body) addKeyLines(lines, [...path, position], inner);
    });
  }
}

function addLine(
  lines: Map<string, number>,
  path: readonly (string | number)[],
  line: number,
): void {
  const key = pathKey(path);
  if (!lines.has(key)) lines.set(key, line);
}

function nearest(
  origins: ReadonlyMap<string, Origin>,
  path: readonly PropertyKey[],
): Origin | undefined {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(pathKey(path.slice(0, length)));
    if (origin !== undefined) return origin;
  }
  return undefined;
}

function pathKey(path: readonly PropertyKey[]): string {
  return JSON.stringify(path);
}

/** False when something that is no table stands where the setting's table belongs. */
function setValue(values: Tree, path: readonly string[], value: string): boolean {
  const [first, second] = path as [string, string?];
  if (second === undefined) {
    values[first] = value;
    return true;
  }
  const table = values[first] ??= {};
  if (typeof table !== "object" || table === null) return false;
  (table as Tree)[second] = value;
  return true;
}

function findSetting(assignment: string): Result<{ setting: Setting; value: string }, Problem> {
  const where = `--set ${printableText(assignment)}`;
  const split = assignment.indexOf("=");
  if (split < 1) return err({ where, message: `must be name=value, as in log.level=debug` });
  const name = assignment.slice(0, split);
  const known = settings();
  const setting = known.find((one) => one.name === name);
  if (setting !== undefined) return ok({ setting, value: assignment.slice(split + 1) });
  const hint = didYouMean(name, known.map((one) => one.name));
  return err({ where, message: `unknown setting "${printableText(name)}"${hint}` });
}

/**
 * A mistyped variable must not pass in silence. It is no error either: Kubernetes gives every pod
 * variables such as `KEVA_SERVICE_HOST` and `KEVA_PORT_380_TCP` for a service named keva.
 */
function unknownVariables(env: Sources["env"]): string[] {
  const known = [...OTHER_VARIABLES, ...settings().map((setting) => setting.variable)];
  return Object.keys(env)
    .filter((name) => name.startsWith("KEVA_") && !known.includes(name))
    .filter((name) => !/^KEVA_(SERVICE|PORT)(_|$)/.test(name))
    .map((name) => `unknown variable ${printableText(name)}${didYouMean(name, known)}`);
}
