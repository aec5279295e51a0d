/**
 * Completes package-lock.json after a package was added or updated: `deno task lock`.
 *
 * npm writes only those optional platform packages into the lock file that its registry could
 * serve, and `npm ci` then refuses the file wherever one is missing. This adds the missing entries,
 * so that one lock file installs on every platform. An entry added here has no integrity hash: npm
 * then trusts the registry for it.
 */

interface LockEntry {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

export interface Lock {
  packages: Record<string, LockEntry>;
}

/** The platform that a package name such as `@deno/linux-x64-glibc` stands for. */
const PLATFORM_NAME =
  /^@[^/]+\/(?<os>linux|darwin|win32)-(?<cpu>x64|arm64)(?:-(?<libc>glibc|musl))?$/;

/** Optional packages that the lock file names but does not describe, as `[name, entry]` pairs. */
export function missingEntries(lock: Lock): [string, LockEntry][] {
  const missing: [string, LockEntry][] = [];
  for (const [path, parent] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const nested = `${path}/node_modules/${name}`;
      const hoisted = `node_modules/${name}`;
      if (nested in lock.packages || hoisted in lock.packages) continue;
      missing.push([name, describe(name, version, parent.dev === true)]);
    }
  }
  return missing;
}

function describe(name: string, version: string, dev: boolean): LockEntry {
  const platform = PLATFORM_NAME.exec(name)?.groups;
  if (platform === undefined || !/^\d/.test(version)) {
    throw new Error(
      `Cannot complete package-lock.json: ${name}@${version} has no platform in its name; ` +
        `add its entry by hand (version, os, cpu, libc, dev, optional).`,
    );
  }
  return {
    version,
    cpu: [platform["cpu"]!],
    ...(dev ? { dev } : {}),
    ...(platform["libc"] === undefined ? {} : { libc: [platform["libc"]] }),
    optional: true,
    os: [platform["os"]!],
  };
}

/** The lock file with every missing entry added, in npm's order (by path). */
export function complete(lock: Lock): Lock {
  const packages = { ...lock.packages };
  for (const [name, entry] of missingEntries(lock)) packages[`node_modules/${name}`] = entry;
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, "en"));
  return { ...lock, packages: Object.fromEntries(sorted) };
}

if (import.meta.main) {
  const path = new URL("../package-lock.json", import.meta.url);
  const lock: Lock = JSON.parse(Deno.readTextFileSync(path));
  const names = missingEntries(lock).map(([name]) => name);
  if (names.length > 0) {
    Deno.writeTextFileSync(path, JSON.stringify(complete(lock), null, 2) + "\n");
  }
  console.log(names.length === 0 ? "package-lock.json is complete" : `added ${names.join(", ")}`);
}
