/** A stranger's first minutes: every command of the README, as printed, in order, in a clean tree. */

import assert from "node:assert/strict";
import { ROOT } from "../../tools/paths.ts";
import { commandsOf, Terminal } from "./support/readme.ts";

/** Not typed: it would run this very test again. */
const LEFT_OUT = ["npm test"];

/** Of the example configuration, which the README's commands name. */
const PORTS = [3801, 3802, 3803, 3811, 3812, 3813];

/** What a command must have answered, beside its exit code. Each must be needed by some command. */
const ANSWERS: readonly [command: RegExp, output: RegExp][] = [
  [/^curl -X PUT .*"hello"/, /"done":"true"/],
  [/^curl -i \S+:3802\S+greeting$/, /200 OK[\s\S]*keva-consistency: linearizable[\s\S]*hello$/i],
  [/If-None-Match/, /HTTP\/1\.1 412/],
  [/storage\/keys/, /"key":"greeting","revision":\d+,[^}]*"value":"hello"/],
  [/storage\/txn/, /"branch":"then","results":\[\{"value":"\d+"/],
  [/Idempotency-Key.*:3801/, /HTTP\/1\.1 200/],
  [/Idempotency-Key.*:3802/, /idempotency-replayed: true/i],
  [/storage\/watch/, /event: put\n[^]*"value":"hello"[^]*event: synced/],
  [/^curl -X DELETE/, /"existed":true/],
  [/^curl -i \S+:3801\S+greeting$/, /HTTP\/1\.1 204/],
  [/consistency=stale/, /keva-consistency: stale/i],
  [/keva check-config/, /./],
  [/keva get greeting/, /^hello$/],
  [/keva import/, /^stored \d items$/],
  [/keva status/, /All 3 nodes are up/],
];

Deno.test({
  name: "README: every command works as printed, in order",
  ignore: busy(),
  fn: typeAll,
});

async function typeAll(): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "keva-e2e-" });
  copyTree(ROOT, directory);
  // What was downloaded once need not be downloaded again; nothing else is taken over.
  copyTree(`${ROOT}/dist/.cache`, `${directory}/dist/.cache`);
  const terminal = new Terminal(directory, { npm_config_prefer_offline: "true" });
  const unneeded = new Set(ANSWERS);
  try {
    for (const command of commandsOf(Deno.readTextFileSync(`${ROOT}/README.md`))) {
      if (LEFT_OUT.includes(command)) continue;
      const startedAt = performance.now();
      const { output } = await terminal.type(command);
      console.log(`$ ${command}  # ${Math.round(performance.now() - startedAt)} ms`);
      for (const answer of ANSWERS.filter(([pattern]) => pattern.test(command))) {
        assert.match(output, answer[1], command);
        unneeded.delete(answer);
      }
    }
    assert.deepEqual([...unneeded].map(([pattern]) => pattern.source), []);
  } finally {
    await terminal.interrupt();
    await Deno.remove(directory, { recursive: true });
  }
}

/** The tree as a fresh clone has it: without what building and running leave behind. */
function copyTree(from: string, to: string): void {
  const LEFT_BEHIND = [".git", "node_modules", "dist", "keva-data", "coverage", "keva.toml"];
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory } of entries(from)) {
    if (LEFT_BEHIND.includes(name)) continue;
    if (isDirectory) copyTree(`${from}/${name}`, `${to}/${name}`);
    else Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

function entries(path: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(path)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Somebody may be trying Keva on this machine while its tests run. */
function busy(): boolean {
  const inUse = PORTS.filter((port) => {
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return false;
    } catch {
      return true;
    }
  });
  if (inUse.length > 0) console.log(`left out: the README's ports are in use: ${inUse.join(", ")}`);
  return inUse.length > 0;
}
