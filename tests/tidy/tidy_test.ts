/** House rules of the tree: short files, no loose notes, folders that say what they are for. */

import assert from "node:assert/strict";
import { complete, type Lock, missingEntries } from "../../tools/complete_lock.ts";
import { filesUnder, ROOT } from "../../tools/paths.ts";
import { headerFaults, lengthFaults, manifestFaults, noteFaults } from "../../tools/tidy.ts";

const CODE = filesUnder("main.ts", "src", "tests", "tools", "bench");
const TEXT = filesUnder(
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "docs",
  "keva.toml.example",
);

function read(path: string): string {
  return Deno.readTextFileSync(`${ROOT}/${path}`);
}

function ofKind(paths: string[], kind: RegExp): string[] {
  return paths.filter((path) => kind.test(path) && !path.includes("/testdata/"));
}

Deno.test("no source file is longer than 400 lines", () => {
  const faults = ofKind(CODE, /\.ts$/).flatMap((path) => lengthFaults(path, read(path)));
  assert.deepEqual(faults, []);
  assert.equal(lengthFaults("a.ts", "x\n".repeat(400)).length, 0);
  assert.equal(lengthFaults("a.ts", "x\n".repeat(401)).length, 1);
});

Deno.test("every note for later names its issue", () => {
  const paths = ofKind([...CODE, ...TEXT], /\.(?:ts|md|example)$/);
  assert.deepEqual(paths.flatMap((path) => noteFaults(path, read(path))), []);
  const [later, broken] = ["TO" + "DO", "FIX" + "ME"];
  const text = `${later}(#12): fine\n${broken} #3: fine\n${later}: not\n// ${broken}\n${later}s\n`;
  assert.deepEqual(noteFaults("a.ts", text).map((fault) => fault.slice(0, 6)), [
    "a.ts:3",
    "a.ts:4",
  ]);
});

Deno.test("every folder of src says its duty, invariants and imports in mod.ts", () => {
  const faces = CODE.filter((path) => /^src\/[^/]+\/mod\.ts$/.test(path));
  assert.deepEqual(faces.flatMap((path) => headerFaults(path, read(path))), []);
  assert.equal(headerFaults("a.ts", "/** Duty: x. Invariants: y.\n * May import: z. */").length, 0);
  assert.equal(headerFaults("a.ts", "/** Duty: x. */").length, 2);
  assert.equal(headerFaults("a.ts", "import 'x'; /** Duty: Invariants: May import: */").length, 1);
});

Deno.test("package.json, its lock file and deno.json agree", () => {
  const manifest = JSON.parse(read("package.json"));
  const lock: Lock = JSON.parse(read("package-lock.json"));
  assert.deepEqual(manifestFaults(manifest, lock), []);
  assert.equal(JSON.parse(read("deno.json")).version, manifest.version);
  assert.equal(manifest.devDependencies.deno, Deno.version.deno);
});

Deno.test("CONTRIBUTING.md gives the reason for every dependency", () => {
  const { dependencies, devDependencies } = JSON.parse(read("package.json"));
  const rows = read("CONTRIBUTING.md").split("\n").filter((line) => line.startsWith("|")).join(
    "\n",
  );
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    assert.ok(rows.includes(`\`${name}\``), `${name} has no row in the table of dependencies`);
  }
});

Deno.test("manifestFaults() wants exact and locked versions", () => {
  const lock: Lock = { packages: { "node_modules/a": { version: "1.0.0" } } };
  const faultsOf = (dependencies: Record<string, string>): number =>
    manifestFaults({ version: "1.0.0", dependencies, devDependencies: {} }, lock).length;
  assert.equal(faultsOf({ a: "1.0.0" }), 0);
  assert.equal(faultsOf({ a: "^1.0.0" }), 1);
  assert.equal(faultsOf({ a: "1.0.1" }), 1);
  assert.equal(faultsOf({ b: "1.0.0" }), 1);
});

Deno.test("package-lock.json describes every platform, else `deno task lock` was forgotten", () => {
  assert.deepEqual(missingEntries(JSON.parse(read("package-lock.json"))), []);
});

Deno.test("complete() adds the platform packages that npm left out", () => {
  const optionalDependencies = { "@x/linux-x64-glibc": "1.0.0", "@x/darwin-arm64": "1.0.0" };
  const lock: Lock = {
    packages: {
      "node_modules/x": { version: "1.0.0", dev: true, optionalDependencies },
      "node_modules/@x/darwin-arm64": { version: "1.0.0" },
    },
  };
  const { packages } = complete(lock);
  assert.deepEqual(Object.keys(packages), [
    "node_modules/@x/darwin-arm64",
    "node_modules/@x/linux-x64-glibc",
    "node_modules/x",
  ]);
  assert.deepEqual(packages["node_modules/@x/linux-x64-glibc"], {
    version: "1.0.0",
    cpu: ["x64"],
    dev: true,
    libc: ["glibc"],
    optional: true,
    os: ["linux"],
  });
  assert.throws(
    () => complete({ packages: { y: { optionalDependencies: { "@x/other": "1.0.0" } } } }),
    /@x\/other@1\.0\.0 has no platform in its name/,
  );
});
