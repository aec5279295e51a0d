import assert from "node:assert/strict";
import type { LogFields } from "../../src/base/mod.ts";
import { createLog, type LogOptions } from "../../src/platform/mod.ts";

function opened(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const wallTime = () => Date.UTC(2024, 1, 29, 12);
  const log = createLog({
    level: "info",
    format: "text",
    colour: false,
    wallTime,
    write,
    ...options,
  });
  return { log, lines };
}

const TRICKY: LogFields = {
  plain: "a/b:1",
  spaced: "two words",
  quoted: 'say "a"',
  forged: "x\n2024-02-29 ERROR forged",
  escape: "\x1b[2J",
  bidi: "\u202egnp",
  number: 7,
  flag: true,
  absent: undefined,
};

Deno.test("createLog() writes one line of text per event", () => {
  const { log, lines } = opened();
  log.info("elected", TRICKY);
  assert.deepEqual(lines, [
    '2024-02-29T12:00:00.000Z INFO  elected plain=a/b:1 spaced="two words" ' +
    'quoted="say \\"a\\"" forged="x\\u{a}2024-02-29 ERROR forged" escape=\\u{1b}[2J ' +
    "bidi=\\u{202e}gnp number=7 flag=true\n",
  ]);
});

Deno.test("createLog() writes one line of JSON per event", () => {
  const { log, lines } = opened({ format: "json" });
  log.warn("elected", { ...TRICKY, level: "forged" });
  assert.equal(lines.length, 1);
  assert.ok(/^[^\n]*\n$/.test(lines[0] as string));
  assert.deepEqual(JSON.parse(lines[0] as string), {
    time: "2024-02-29T12:00:00.000Z",
    level: "warn",
    event: "elected",
    plain: "a/b:1",
    spaced: "two words",
    quoted: 'say "a"',
    forged: "x\\u{a}2024-02-29 ERROR forged",
    escape: "\\u{1b}[2J",
    bidi: "\\u{202e}gnp",
    number: 7,
    flag: true,
  });
});

Deno.test("createLog() drops what is below its level", () => {
  const { log, lines } = opened({ level: "warn" });
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  assert.deepEqual(lines.map((line) => line.split(" ").at(-1)), ["c\n", "d\n"]);
});

Deno.test("createLog() with() adds fields to every line, and the line's own win", () => {
  const { log, lines } = opened();
  log.with({ node: "n1", peer: "n2" }).with({ link: 3 }).info("event", { peer: "n9" });
  assert.ok(lines[0]?.endsWith(" event node=n1 peer=n9 link=3\n"));
});

Deno.test("createLog() colours the level alone, and only when asked", () => {
  const { log, lines } = opened({ colour: true });
  log.error("event", { a: 1 });
  assert.equal(lines[0], "2024-02-29T12:00:00.000Z \x1b[31mERROR\x1b[0m event a=1\n");
});
