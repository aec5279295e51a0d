/**
 * Bundles main.ts and everything it imports into one JavaScript module, and what is imported only
 * when it is needed into others: a process that does without them does not hold their text.
 *
 * The bundle is what `deno compile` embeds: compiled straight from this tree, the program would
 * carry all of node_modules. Stack traces still name the original files, by the inline source map.
 */

import { builtinModules } from "node:module";
import { build, stop } from "esbuild";

/** CommonJS packages ask for `node:` modules through `require`, which an ES module does not have. */
const REQUIRE_FOR_COMMONJS =
  `import { createRequire as createRequire_ } from "node:module"; const require = createRequire_(import.meta.url);`;

/** By the names under which every runtime knows them: packages leave out `node:`. */
const NODE_MODULES = Object.fromEntries(
  builtinModules.filter((name) => !name.startsWith("node:")).map((name) => [name, `node:${name}`]),
);

/** The name of the module that imports the others. */
export const MAIN_MODULE = "main.js";

/** The modules by their names; the same sources give the same ones, wherever `root` lies. */
export async function bundle(root: string, entry: string): Promise<Map<string, Uint8Array>> {
  try {
    const result = await build({
      absWorkingDir: root,
      entryPoints: [{ in: entry, out: MAIN_MODULE.replace(".js", "") }],
      outdir: ".", // Not written: it makes the paths in the source map relative to `root`.
      write: false,
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      alias: NODE_MODULES,
      target: "esnext",
      // A text in memory takes two bytes for each character once one of them is beyond Latin-1, as
      // some in comments are: with these two a process takes 9 MiB less.
      charset: "ascii",
      minifyWhitespace: true,
      sourcemap: "inline",
      sourcesContent: false,
      banner: { js: REQUIRE_FOR_COMMONJS },
      logLevel: "warning",
    });
    return new Map(
      result.outputFiles.map((
        { path, contents },
      ) => [path.slice(path.lastIndexOf("/") + 1), contents]),
    );
  } finally {
    await stop();
  }
}
