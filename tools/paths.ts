/** Where this project lies, and the paths of its files as seen from there. */

import { fileURLToPath, pathToFileURL } from "node:url";

/** The root of the project, without a slash at the end. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url)).replace(/[/\\]$/, "");

/** The path from the root, or undefined for what lies elsewhere and for packages. */
export function fromFileUrl(url: string): string | undefined {
  if (!url.startsWith("file:")) return undefined;
  const path = fileURLToPath(url).replaceAll("\\", "/");
  const prefix = `${ROOT.replaceAll("\\", "/")}/`;
  if (!path.startsWith(prefix)) return undefined;
  const relative = path.slice(prefix.length);
  return relative.startsWith("node_modules/") ? undefined : relative;
}

export function toFileUrl(path: string): string {
  return pathToFileURL(`${ROOT}/${path}`).href;
}

/** Every file under the given paths from the root, sorted; a path that does not exist has none. */
export function filesUnder(...paths: string[]): string[] {
  return paths.flatMap((path) => {
    const status = statusOf(path);
    if (status === undefined) return [];
    if (status.isFile) return [path];
    const names = [...Deno.readDirSync(`${ROOT}/${path}`)].map(({ name }) => name).sort();
    return filesUnder(...names.map((name) => `${path}/${name}`));
  });
}

function statusOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(`${ROOT}/${path}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
