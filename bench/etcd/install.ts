/**
 * Where etcd comes from: `ETCD_BIN`, the PATH, or Debian. The package is taken from the mirror that
 * apt is set up with, checked by apt against Debian's keys, and unpacked into dist/, not installed.
 */

import { output } from "../../tests/e2e/support/process.ts";
import { ROOT } from "../../tools/paths.ts";

/** The release of Debian to take it from: the first with etcd 3.5. */
const RELEASE = "trixie";
const PACKAGE = "etcd-server";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

const DIRECTORY = `${ROOT}/dist/etcd`;
const UNPACKED = `${DIRECTORY}/usr/bin/etcd`;

type Found = { readonly binary: string; readonly version: string };

/** Rejects with the reason when there is none and none can be had. */
export async function findEtcd(): Promise<Found> {
  const named = Deno.env.get("ETCD_BIN");
  if (named !== undefined) return { binary: named, version: await versionOf(named) };
  for (const binary of ["etcd", UNPACKED]) {
    try {
      return { binary, version: await versionOf(binary) };
    } catch {
      // Not here.
    }
  }
  await fetchFromDebian();
  return { binary: UNPACKED, version: await versionOf(UNPACKED) };
}

async function versionOf(binary: string): Promise<string> {
  const text = await run(binary, ["--version"]);
  const version = /^etcd Version: (\S+)$/m.exec(text)?.[1];
  if (version === undefined) throw new Error(`${binary} does not tell its version`);
  return version;
}

/** With lists and settings of its own, so that nothing of the system changes. */
async function fetchFromDebian(): Promise<void> {
  const lists = `${DIRECTORY}/apt/lists`;
  await Deno.mkdir(lists, { recursive: true });
  const sources = `${DIRECTORY}/apt/sources.list`;
  await Deno.writeTextFile(
    sources,
    `deb [signed-by=${KEYRING}] ${await mirror()} ${RELEASE} main\n`,
  );
  const options = [
    `Dir::Etc::SourceList=${sources}`,
    "Dir::Etc::SourceParts=-",
    `Dir::State::Lists=${lists}`,
    `Dir::Cache=${DIRECTORY}/apt`,
    "Acquire::Languages=none",
    "APT::Sandbox::User=root",
  ].flatMap((option) => ["-o", option]);
  await run("apt-get", [...options, "update"]);
  await run("apt-get", [...options, "download", PACKAGE], `${DIRECTORY}/apt`);
  const names = [...Deno.readDirSync(`${DIRECTORY}/apt`)].map(({ name }) => name);
  const archive = names.find((name) => name.startsWith(PACKAGE) && name.endsWith(".deb"));
  await run("dpkg", ["-x", `${DIRECTORY}/apt/${archive}`, DIRECTORY]);
  await Deno.remove(`${DIRECTORY}/apt`, { recursive: true });
}

/** Of the release that the system itself runs, not of its updates, which may lie elsewhere. */
async function mirror(): Promise<string> {
  const text = await run("apt-get", ["indextargets", "--format", "$(ORIGIN) $(RELEASE) $(SITE)"]);
  const site = /^Debian [a-z]+ (\S+)$/m.exec(text)?.[1];
  if (site === undefined) throw new Error("apt is set up with no mirror of Debian");
  return site;
}

async function run(command: string, args: readonly string[], cwd?: string): Promise<string> {
  const ended = await output(command, { args, ...(cwd !== undefined && { cwd }) });
  if (ended.code !== 0) throw new Error(`${command} failed: ${ended.stderr.trim()}`);
  return new TextDecoder().decode(ended.stdout);
}
