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
  openFilesMax() {
    try {
      const limits = Deno.readTextFileSync("/proc/self/limits");
      const soft = /^Max open files +(\d+)/m.exec(limits)?.[1];
      return soft === undefined ? undefined : Number(soft);
    } catch {
      return undefined;
    }
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
