/** The client library needs nothing that a browser does not have. */

import assert from "node:assert/strict";
import { build, stop } from "esbuild";
import { ROOT } from "../../tools/paths.ts";

// Its process ends a little after stop().
const LEFT_RUNNING = { sanitizeOps: false, sanitizeResources: false };

Deno.test(
  "src/client is built for a browser, and names neither Deno nor Node",
  LEFT_RUNNING,
  inBrowser,
);

async function inBrowser(): Promise<void> {
  try {
    // A module of Node is an error for this platform.
    const { outputFiles } = await build({
      absWorkingDir: ROOT,
      entryPoints: ["src/client/mod.ts"],
      write: false,
      bundle: true,
      format: "esm",
      platform: "browser",
      target: "es2022",
      legalComments: "none",
      logLevel: "silent",
    });
    const text = outputFiles[0]?.text ?? "";
    assert.ok(text.includes("KevaClient"));
    assert.doesNotMatch(text, /\bDeno\.|\bprocess\.|\bBuffer\.|\brequire\(|(from|To)Base64\(/);
  } finally {
    await stop();
  }
}
