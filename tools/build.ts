/**
 * Builds the one binary: `deno task build [--official-only] [--target TRIPLE]`.
 *
 * Bundle, then compile outside of this tree. Nothing is done when no input has changed since the
 * last build, and equal inputs give equal bytes.
 */

import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { bundle, MAIN_MODULE } from "./bundle.ts";
import { filesUnder, ROOT } from "./paths.ts";
import { findRuntime } from "./runtime.ts";

const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

/** What the binary is made from. A package counts through package-lock.json. */
const INPUTS = [
  "main.ts",
  "src",
  "deno.json",
  "package.json",
  "package-lock.json",
  "tools/build.ts",
  "tools/bundle.ts",
  "tools/paths.ts",
  "tools/runtime.ts",
];

/**
 * Fixed at compile time, since the binary takes no V8 flags later. V8's own heap limit follows the
 * memory of the machine (2 or 4 GiB); the same limit everywhere makes Keva's own limits mean the
 * same everywhere. Semi-spaces of 8 MiB take some 60 MiB less than those V8 would choose, at the same
 * speed: what survives a collection of young objects is what is under way, however rare they are.
 */
const V8_FLAGS = "--max-old-space-size=4096,--max-semi-space-size=8";

/**
 * All that the commands do: files, sockets, environment, host name, free space, whose process this
 * is, and the child processes of `keva dev`, a right that `main.ts` gives up for all others. Which
 * files, addresses and variables is known only once the configuration is read, too late for here.
 */
const PERMISSIONS = [
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-env",
  "--allow-sys=hostname,statfs,uid",
  "--allow-run",
  "--no-prompt",
];

/** Covers a slow download of the runtime; without one, compiling takes a second. */
const COMPILE_TIMEOUT_MS = 10 * 60_000;

export interface BuildOptions {
  /** Refuse every runtime but Deno's own. */
  officialOnly?: boolean;
  /** Build for another platform, from the official runtime. */
  target?: string;
}

/** Brings the binary up to date and returns its path. */
export async function buildBinary(options: BuildOptions = {}): Promise<string> {
  const target = options.target ?? Deno.build.target;
  const officialOnly = (options.officialOnly ?? false) || target !== Deno.build.target;
  const suffix = options.target === undefined ? "" : `-${target}`;
  const output = `${ROOT}/dist/keva${suffix}${target.includes("windows") ? ".exe" : ""}`;
  const wanted = await fingerprint([
    target,
    String(officialOnly),
    Deno.env.get("DENORT_BIN") ?? "",
  ]);
  if (await isCurrent(output, wanted)) return output;
  await compile(output, target, officialOnly);
  await Deno.writeTextFile(stampOf(output), await stamp(output, wanted));
  return output;
}

async function compile(output: string, target: string, officialOnly: boolean): Promise<void> {
  const startMs = performance.now();
  await requirePinnedDeno();
  const modules = await bundle(ROOT, "main.ts");
  const cacheDirectory = `${ROOT}/dist/.cache`;
  const runtime = await findRuntime({ target, officialOnly, cacheDirectory });
  console.log(`runtime: ${runtime.source}`);
  const directory = await Deno.makeTempDir({ prefix: "keva-build-" });
  try {
    for (const [name, code] of modules) {
      await Deno.writeFile(`${directory}/${name}`, code);
      await Deno.utime(`${directory}/${name}`, 0, 0); // The binary records it.
    }
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["compile", "--quiet", "--no-config", "--no-check", "--no-lock", "--no-code-cache"]
        .concat(`--v8-flags=${V8_FLAGS}`, PERMISSIONS)
        .concat("--target", target, "--output", output, MAIN_MODULE),
      cwd: directory,
      clearEnv: true,
      env: compileEnvironment(runtime.path),
      signal: AbortSignal.timeout(COMPILE_TIMEOUT_MS),
    }).spawn().status;
    if (!success) throw new Error("deno compile failed; its message is above.");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  const { size } = await Deno.stat(output);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`built ${relative(output)} (${(size / 1e6).toFixed(1)} MB) in ${seconds} s`);
}

/** The environment without what `deno compile` would record in the binary. */
function compileEnvironment(runtime: string | undefined): Record<string, string> {
  const kept = Object.entries(Deno.env.toObject()).filter(([name]) =>
    !/^(DENORT_BIN|DENO_V8_FLAGS|DENO_TLS_CA_STORE|OTEL_.*)$/.test(name)
  );
  return { ...Object.fromEntries(kept), ...(runtime === undefined ? {} : { DENORT_BIN: runtime }) };
}

/** The runtime that is embedded has the version of the Deno that compiles. */
async function requirePinnedDeno(): Promise<void> {
  const manifest = JSON.parse(await Deno.readTextFile(`${ROOT}/package.json`));
  const pinned = manifest.devDependencies.deno;
  if (pinned !== Deno.version.deno) {
    throw new Error(
      `Cannot build with Deno ${Deno.version.deno}: package.json pins ${pinned}. Run it through ` +
        `npm, which brings that version: npm ci && npm run build.`,
    );
  }
}

// --- Whether a build is needed ------------------------------------------------------------------

/** A digest of every input's path and content, and of `settings`. */
async function fingerprint(settings: string[]): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(settings));
  for (const path of filesUnder(...INPUTS)) {
    const content = await Deno.readFile(`${ROOT}/${path}`);
    hash.update(`${path}\n${content.length}\n`).update(content);
  }
  return hash.digest("hex");
}

async function isCurrent(output: string, wanted: string): Promise<boolean> {
  try {
    return await Deno.readTextFile(stampOf(output)) === await stamp(output, wanted);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Also tells a binary that was cut short or replaced from the one that was built. */
async function stamp(output: string, inputs: string): Promise<string> {
  const { size, mtime } = await Deno.stat(output);
  return `inputs ${inputs}\nsize ${size}\nmodified ${mtime?.toISOString()}\n`;
}

function stampOf(output: string): string {
  return `${output.replace(/keva([^/]*)$/, ".keva$1")}.stamp`;
}

function relative(path: string): string {
  return path.slice(ROOT.length + 1);
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({
      args: Deno.args,
      options: { "official-only": { type: "boolean" }, target: { type: "string" } },
    });
    if (values.target !== undefined && !TARGETS.includes(values.target)) {
      throw new Error(`Cannot build for ${values.target}: known are ${TARGETS.join(", ")}.`);
    }
    const path = await buildBinary({
      officialOnly: values["official-only"] ?? false,
      ...(values.target === undefined ? {} : { target: values.target }),
    });
    console.log(`${relative(path)} is up to date`);
  } catch (error) {
    console.error(`build: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
