/** Whatever src exports, somebody imports. */

import assert from "node:assert/strict";
import { type ModuleNames, readNames, unusedExports } from "../../tools/exports.ts";
import { filesUnder, ROOT } from "../../tools/paths.ts";

function readAll(files: [path: string, source: string][]): Map<string, ModuleNames> {
  return new Map(files.map(([path, source]) => [path, readNames(path, source)]));
}

Deno.test("every exported name of src is imported somewhere", () => {
  const paths = filesUnder("main.ts", "src", "tests", "tools", "bench");
  const sources = paths.filter((path) => path.endsWith(".ts"));
  const modules = readAll(sources.map((path) => [path, Deno.readTextFileSync(`${ROOT}/${path}`)]));
  assert.deepEqual(unusedExports(modules), []);
});

Deno.test("unusedExports() finds every kind of export", () => {
  const source = `
    export function f() {}
    export const a = 1, b = 2;
    export class C {}
    export interface I {}
    export type T = 1;
    export enum E {}
    const inner = 1;
    export { inner as outer };
    export default f;
  `;
  const found = unusedExports(readAll([["src/a/mod.ts", source]]));
  const names = ["C", "E", "I", "T", "a", "b", "default", "f", "outer"];
  assert.deepEqual(found, names.map((name) => `src/a/mod.ts: ${name}`));
});

Deno.test("unusedExports() follows names through mod.ts", () => {
  const found = unusedExports(readAll([
    ["src/a/one.ts", "export const used = 1, unused = 2; export default 3;"],
    ["src/a/two.ts", "export const passed = 1, renamed = 2, kept = 3;"],
    [
      "src/a/mod.ts",
      'export * from "./one.ts"; export { passed, renamed as r, kept } from "./two.ts";',
    ],
    ["main.ts", 'import { used, r } from "./src/a/mod.ts"; import x from "./src/a/one.ts";'],
    ["tests/a_test.ts", 'import { passed } from "../src/a/mod.ts";'],
  ]));
  assert.deepEqual(found, ["src/a/mod.ts: kept", "src/a/one.ts: unused", "src/a/two.ts: kept"]);
});

Deno.test("unusedExports() counts whole-module imports and the library's own exports as use", () => {
  const found = unusedExports(readAll([
    ["src/a/mod.ts", "export const a = 1;"],
    ["src/b/mod.ts", 'export * from "./names.ts"; export * as more from "./more.ts";'],
    ["src/b/names.ts", "export const b = 1;"],
    ["src/b/more.ts", "export const m = 1;"],
    ["src/c/mod.ts", "export const c = 1, d = 2;"],
    ["src/d/mod.ts", "export const lazy = 1;"],
    [
      "src/mod.ts",
      'export { c } from "./c/mod.ts"; export * from "./a/mod.ts"; export type X = 1;',
    ],
    ["main.ts", 'import * as b from "./src/b/mod.ts"; await import("./src/d/mod.ts");'],
  ]));
  assert.deepEqual(found, ["src/c/mod.ts: d"]);
});

Deno.test("unusedExports() spares types that their module mentions", () => {
  const found = unusedExports(readAll([
    ["src/a/one.ts", "export interface Options {} export function f(o: Options) {}"],
    ["src/a/two.ts", "export interface Base {} export interface Child extends Base {}"],
    ["src/a/mod.ts", 'export { type Options, f } from "./one.ts"; export * from "./two.ts";'],
    ["main.ts", 'import { f } from "./src/a/mod.ts";'],
  ]));
  assert.deepEqual(found, ["src/a/two.ts: Child"]);
});
