/**
 * The kept inputs of a target, `corpus/NAME.txt`: one per line, in hexadecimal, or as a JSON string
 * with one character per byte; a line that starts with # says what the next ones are about.
 */

import { hex } from "../../src/base/mod.ts";

export function readCorpus(name: string): Uint8Array[] {
  let text: string;
  try {
    text = Deno.readTextFileSync(corpusFile(name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map(parseInput);
}

/** Adds the smallest inputs that a run found, for the runs to come to start from. */
export function growCorpus(name: string, found: readonly Uint8Array[], remark: string): number {
  const kept = found.filter(({ length }) => length <= KEPT_BYTES_MAX)
    .sort((a, b) => a.length - b.length).slice(0, KEPT_MAX);
  const lines = [`# ${remark}`, ...kept.map(inputLine)];
  Deno.writeTextFileSync(corpusFile(name), `${lines.join("\n")}\n`, { append: true });
  return kept.length;
}

const KEPT_BYTES_MAX = 400;
const KEPT_MAX = 40;

function corpusFile(name: string): URL {
  return new URL(`corpus/${name}.txt`, import.meta.url);
}

export function parseInput(line: string): Uint8Array {
  if (line.startsWith('"')) return latin1Bytes(JSON.parse(line));
  return Uint8Array.fromHex(line.trim());
}

/** As a corpus line: text where it is text. */
export function inputLine(bytes: Uint8Array): string {
  const isText = bytes.every((byte) => byte === 10 || byte === 13 || (byte >= 32 && byte < 127));
  return isText && bytes.length > 0 ? JSON.stringify(String.fromCharCode(...bytes)) : hex(bytes);
}

export function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
