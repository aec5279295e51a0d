/**
 * Rules that a formatter and a linter do not know: the length of files, notes left behind, and
 * folders that do not say what they are for. Each returns one sentence for each fault.
 */

import type { Lock } from "./complete_lock.ts";

const LINES_MAX = 400;

/** What the comment at the top of every src/<folder>/mod.ts must tell. */
const HEADER = ["Duty:", "Invariants:", "May import:"];

// Written with brackets so that this line is not itself such a note.
const NOTE = /\b(?:TO[D]O|FIX[M]E)\b(?!\(#\d+\)| #\d+)/;

export function lengthFaults(path: string, text: string): string[] {
  const lines = text.split("\n").length - 1;
  return lines <= LINES_MAX
    ? []
    : [`${path} has ${lines} lines: split it, ${LINES_MAX} is the most`];
}

export function noteFaults(path: string, text: string): string[] {
  return text.split("\n").flatMap((line, index) =>
    NOTE.test(line) ? [`${path}:${index + 1}: a note for later names its issue, as in (#12)`] : []
  );
}

export function headerFaults(path: string, text: string): string[] {
  const comment = /^\/\*\*[^]*?\*\//.exec(text)?.[0];
  if (comment === undefined) return [`${path} does not begin with a comment: ${HEADER.join(", ")}`];
  return HEADER.filter((word) => !comment.includes(word))
    .map((word) => `${path}: its first comment does not say "${word}"`);
}

export interface Manifest {
  version: string;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

/** Versions are exact, and the lock file is about this manifest. */
export function manifestFaults(manifest: Manifest, lock: Lock): string[] {
  const wanted = { ...manifest.dependencies, ...manifest.devDependencies };
  return Object.entries(wanted).flatMap(([name, version]) => {
    if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) {
      return [`package.json: ${name} is "${version}"; write the exact version`];
    }
    const locked = lock.packages[`node_modules/${name}`]?.version;
    return locked === version ? [] : [
      `package-lock.json has ${name} ${
        locked ?? "not at all"
      }, package.json ${version}: npm install`,
    ];
  });
}
