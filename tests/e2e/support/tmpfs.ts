/** Small file systems of their own, where the machine lets a test mount one. */

import { output } from "./process.ts";

/** Only root may mount. Says so once when a test must be left out for it. */
export function isRoot(): boolean {
  if (Deno.build.os === "linux" && Deno.uid() === 0) return true;
  console.log("left out: mounting a small file system takes root on Linux");
  return false;
}

export async function withTmpfs(
  options: string,
  run: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "keva-tmpfs-" });
  await mustRun("mount", "-t", "tmpfs", "-o", options, "tmpfs", path);
  try {
    await run(path);
  } finally {
    await mustRun("umount", "--lazy", path);
    await Deno.remove(path);
  }
}

async function mustRun(command: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await output(command, { args });
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
}
