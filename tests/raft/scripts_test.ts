/**
 * Golden scripts of the Raft core: what each node says, stores and commits, line by line.
 *
 * `KEVA_UPDATE=1 npx deno test -A tests/raft` writes the transcripts anew. A transcript that changed is
 * to be read as critically as code: it is the statement of what is right.
 */

import assert from "node:assert/strict";
import { UPDATE } from "../support/golden.ts";
import { diffLines } from "./harness/diff.ts";
import { formatScript, parseScript, runScript } from "./harness/script.ts";

const SCRIPTS = new URL("./scripts/", import.meta.url);

const names = [...Deno.readDirSync(SCRIPTS)].map(({ name }) => name).sort();

for (const name of names) {
  Deno.test(name.replace(/\.txt$/, ""), () => {
    const file = new URL(name, SCRIPTS);
    const { source, expected } = parseScript(Deno.readTextFileSync(file));
    assert.match(source, /^# \S/, "a script begins by saying what it shows");
    const actual = runScript(source);
    if (UPDATE) return Deno.writeTextFileSync(file, formatScript({ source, expected: actual }));
    assert.ok(actual === expected, `${name}\n${diffLines(expected, actual)}`);
  });
}
