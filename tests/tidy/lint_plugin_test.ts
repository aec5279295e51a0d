/** The lint rule: every forbidden way to the outside world is found, and nothing else. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import plugin from "../../tools/lint_plugin.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

function problems(path: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, ROOT + path, source)
    .map((diagnostic) => `${diagnostic.message}. ${diagnostic.hint}`);
}

const FORBIDDEN: [name: string, source: string, instead: string][] = [
  ["Deno", "Deno.open('x');", "Disk or Network port"],
  ["Deno", "const x: Deno.Conn | undefined = undefined;", "Disk or Network port"],
  ["Date", "new Date();", "Clock.wallTime()"],
  ["Date", "Date.now();", "Clock.wallTime()"],
  ["performance", "const p = performance;", "Clock.now()"],
  ["performance", "const p = { performance };", "Clock.now()"],
  ["performance", "const p = x[performance];", "Clock.now()"],
  ["Math.random", "Math.random();", "Random port"],
  ["Math.random", "Math['random']();", "Random port"],
  ["setTimeout", "setTimeout(() => {}, 1);", "Clock.after()"],
  ["setInterval", "setInterval(() => {}, 1);", "Clock.every()"],
  ["setImmediate", "setImmediate(() => {});", "Clock.soon()"],
  ["queueMicrotask", "queueMicrotask(() => {});", "Clock.soon()"],
  ["fetch", "export function f(get = fetch) { get(); }", "Network port"],
  ["crypto", "crypto.randomUUID();", "Random or Hash port"],
  ["console", "console.log(1);", "Log port"],
  ["globalThis", "globalThis.x();", "ports.ts"],
  ["Promise.race", "Promise.race([]);", "Timer"],
  ["AbortSignal.timeout", "AbortSignal.timeout(1);", "Clock.after()"],
  ["node:fs", "import fs from 'node:fs';", "ports.ts"],
  ["node:fs", "import type { Stats } from 'node:fs';", "ports.ts"],
  ["node:fs", "export * from 'node:fs';", "ports.ts"],
  ["node:fs", "await import('node:fs');", "ports.ts"],
];

for (const [name, source, instead] of FORBIDDEN) {
  Deno.test(`no-ambient forbids ${name}: ${source}`, () => {
    const found = problems("src/raft/raft.ts", source);
    assert.equal(found.length, 1, found.join("\n"));
    assert.ok(found[0]!.startsWith(`${name} reaches around the ports. Use `), found[0]);
    assert.ok(found[0]!.includes(instead), found[0]);
  });
}

Deno.test("no-ambient leaves names alone that only look like globals", () => {
  const source = `
    import { parse } from "smol-toml";
    import { fetch as get } from "./peer.ts";
    export { get as console };
    interface Port { setTimeout(delay: number): void; Date: string }
    class Server { performance = 1; fetch() { return this.performance; } }
    const options = { crypto: 1, Date: 2 };
    options.crypto + clock.performance() + parse("console") + Math.floor(1);
    Promise.all([]);
    const error: Error | AbortSignal = new Error("Deno");
  `;
  assert.deepEqual(problems("src/raft/raft.ts", source), []);
});

Deno.test("no-ambient applies to src, apart from src/platform", () => {
  const source = "Deno.exit(); new Date(); console.log(Math.random());";
  for (const path of ["main.ts", "tests/raft/a_test.ts", "bench/a.ts", "src/platform/disk.ts"]) {
    assert.deepEqual(problems(path, source), [], path);
  }
  assert.equal(problems("src/cli/get.ts", source).length, 4);
});

Deno.test("no-ambient lets src/client use what browsers and Node have, and no more", () => {
  const source = "fetch(''); setTimeout(() => {}, 1); AbortSignal.timeout(1); Deno.exit();";
  assert.deepEqual(problems("src/client/client.ts", source).length, 1);
});
