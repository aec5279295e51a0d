/** The folders of src import each other as the table of tools/layers.ts says, and are all used. */

import assert from "node:assert/strict";
import { LAYERS } from "../../tools/layers.ts";
import {
  folderCycles,
  folderOf,
  type Import,
  importFaults,
  readGraph,
  tableFaults,
  unreachable,
} from "../../tools/module_graph.ts";
import { filesUnder } from "../../tools/paths.ts";

const sources = filesUnder("main.ts", "src").filter((path) => path.endsWith(".ts"));
const graph = await readGraph(sources);

function edge(from: string, to: string, typeOnly = false): Import {
  return { from, to, typeOnly };
}

Deno.test("every import points downward and through mod.ts", () => {
  assert.deepEqual(importFaults(graph.imports), []);
});

Deno.test("no folders import each other in a circle", () => {
  assert.deepEqual(folderCycles(graph.imports), []);
});

Deno.test("every file of src is reached from main.ts or src/mod.ts", () => {
  assert.deepEqual(unreachable(graph), []);
});

Deno.test("every folder of src stands in the table and has a mod.ts", () => {
  const folders = new Set(sources.map(folderOf).filter((folder) => folder !== undefined));
  assert.deepEqual([...folders].sort(), LAYERS.map(({ folder }) => folder).sort());
  for (const folder of folders) assert.ok(sources.includes(`src/${folder}/mod.ts`), folder);
});

Deno.test("the table is ordered from the bottom up", () => {
  assert.deepEqual(tableFaults(), []);
  assert.equal(
    tableFaults([{ folder: "a", imports: ["b"] }, { folder: "b", imports: [] }]).length,
    1,
  );
});

Deno.test("importFaults() allows what the table allows", () => {
  const fine = [
    edge("src/raft/log.ts", "src/raft/entry.ts"),
    edge("src/raft/log.ts", "src/base/mod.ts"),
    edge("src/api/http/routes.ts", "src/api/errors.ts"),
    edge("src/service/service.ts", "src/kv/mod.ts", true),
    edge("src/mod.ts", "src/node/mod.ts"),
    edge("main.ts", "src/platform/mod.ts"),
    edge("main.ts", "deno.json"),
    edge("tests/raft/log_test.ts", "src/raft/log.ts"),
  ];
  assert.deepEqual(importFaults(fine), []);
});

const FORBIDDEN: [fault: Import, says: RegExp][] = [
  [edge("src/base/a.ts", "src/raft/mod.ts"), /base may import no other folder/],
  [edge("src/raft/a.ts", "src/kv/mod.ts"), /raft may import only base/],
  [edge("src/raft/a.ts", "src/base/bytes.ts"), /import src\/base\/mod\.ts/],
  [edge("src/service/a.ts", "src/kv/mod.ts"), /service may only `import type`/],
  [edge("src/cli/a.ts", "src/platform/mod.ts"), /cli may import only/],
  [edge("src/other/a.ts", "src/base/mod.ts"), /other is not in the table/],
  [edge("src/base/a.ts", "deno.json"), /only main\.ts may/],
  [edge("src/base/a.ts", "src/mod.ts"), /only main\.ts may/],
  [edge("main.ts", "src/raft/log.ts"), /import src\/raft\/mod\.ts/],
];

for (const [fault, says] of FORBIDDEN) {
  Deno.test(`importFaults() forbids ${fault.from} → ${fault.to}`, () => {
    assert.match(importFaults([fault]).join(), says);
  });
}

Deno.test("folderCycles() finds circles, also of types and across several folders", () => {
  const circle = [
    edge("src/a/x.ts", "src/b/mod.ts"),
    edge("src/b/x.ts", "src/c/mod.ts", true),
    edge("src/c/x.ts", "src/a/mod.ts"),
    edge("src/c/x.ts", "src/d/mod.ts"),
  ];
  assert.deepEqual(folderCycles(circle), ["a → b → c → a"]);
});

Deno.test("unreachable() finds files that only lead to others", () => {
  const modules = ["main.ts", "src/a/mod.ts", "src/a/used.ts", "src/a/alone.ts"];
  const imports = [
    edge("main.ts", "src/a/mod.ts"),
    edge("src/a/mod.ts", "src/a/used.ts"),
    edge("src/a/alone.ts", "src/a/used.ts"),
  ];
  assert.deepEqual(unreachable({ modules, imports }), ["src/a/alone.ts"]);
});

Deno.test("readGraph() tells types from values, and leaves packages out", async () => {
  const { imports } = await readGraph(["tests/tidy/testdata/imports.ts"]);
  const from = "tests/tidy/testdata/imports.ts";
  assert.deepEqual(imports, [
    edge(from, "tools/paths.ts"),
    edge(from, "tools/layers.ts", true),
    edge(from, "tools/bundle.ts"),
  ]);
});
