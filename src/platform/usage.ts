/**
 * The Process port on the operating system.
 */

import { cpuUsage } from "node:process";
import type { Process } from "../base/mod.ts";

export const systemProcess: Process = {
  usage() {
    const { user, system } = cpuUsage();
    const { rss, heapUsed } = Deno.memoryUsage();
    return {
      cpuSeconds: (user + system) / 1e6,
      residentBytes: rss,
      heapBytes: heapUsed,
      openFiles: countOpenFiles(),
    };
  },
  spareFiles(enough) {
    if (Deno.build.os === "windows") return enough; // it has no such limit
    const opened: Deno.FsFile[] = [];
    try {
      // The limit itself stands where only a process with every permission may read.
      while (opened.length < enough) opened.push(Deno.openSync("/dev/null"));
    } catch {
      // That was one too many.
    } finally {
      opened.forEach((file) => file.close());
    }
    return opened.length;
  },
};

function countOpenFiles(): number | undefined {
  try {
    // One of them is the directory itself, open for this very look.
    return [...Deno.readDirSync("/proc/self/fd")].length - 1;
  } catch {
    return undefined;
  }
}
