/** Mistakes in what is durable, when, and in what is made of a disk after a crash. */

import type { Mutant } from "./mutant.ts";

function of(file: string, net: Mutant["net"]): Pick<Mutant, "file" | "net"> {
  return { file: `src/storage/${file}`, net };
}

export const STORAGE_MUTANTS: readonly Mutant[] = [
  {
    name: "ack-before-sync",
    story: "The log reports a write as stored while the device still works on it.",
    ...of("wal.ts", "sim"),
    find: "        await this.#sync();\n        this.#announceSpace();",
    replace: "        this.#sync().catch(() => {});\n        this.#announceSpace();",
  },
  {
    name: "sync-error-ignored",
    story: "A sync that failed counts as done.",
    ...of("wal.ts", "sim"),
    find: "    await this.#file.sync();",
    replace: "    await this.#file.sync().catch(() => {});",
  },
  {
    name: "sync-error-retried",
    story: "A sync that failed is tried again, though the kernel has marked the pages clean.",
    ...of("wal.ts", "sim"),
    find: "    await this.#file.sync();",
    replace: "    for (let left = 50; left >= 0; left--) {\n" +
      "      const failed = await this.#file.sync().then(() => null, (error) => error);\n" +
      "      if (failed === null) break;\n" +
      "      if (left === 0) throw failed;\n" +
      "      await new Promise<void>((next) => clock.after(10, next));\n" +
      "    }",
  },
  {
    name: "new-file-name-not-synced",
    story: "A new segment is used before its name is durable in the directory.",
    ...of("segment.ts", "crash"),
    find: '  await disk.syncDirectory(path.slice(0, path.lastIndexOf("/")));',
    replace: "",
  },
  {
    name: "new-file-content-not-synced",
    story: "A new segment gets its name before its head is durable.",
    ...of("segment.ts", "crash"),
    find: "    await file.sync();\n  } finally {",
    replace: "  } finally {",
  },
  {
    name: "snapshot-name-not-synced",
    story: "The log is cut at a snapshot whose name is not durable in the directory.",
    ...of("snapshot_writer.ts", "crash"),
    find: "      await disk.syncDirectory(path);\n",
    replace: "",
  },
  {
    name: "snapshot-content-not-synced",
    story: "The log is cut at a snapshot whose bytes are not durable.",
    ...of("snapshot_writer.ts", "crash"),
    find: "      await this.#sync();\n      this.#open().close();",
    replace: "      this.#open().close();",
  },
  {
    name: "received-name-not-synced",
    story: "A received snapshot replaces the log before its name is durable.",
    ...of("snapshot_receiver.ts", "crash"),
    find: "      await disk.syncDirectory(path);\n",
    replace: "",
  },
  {
    name: "received-content-not-synced",
    story: "A received snapshot replaces the log before its bytes are durable.",
    ...of("snapshot_receiver.ts", "crash"),
    find: "      await this.#open().sync();\n      this.suspend();",
    replace: "      this.suspend();",
  },
  {
    name: "truncation-not-recorded",
    story: "A truncation happens in memory only, and the log on disk keeps what was cut off.",
    ...of("records.ts", "crash"),
    find: "  if (write.truncateFrom !== undefined) {\n    records",
    replace: "  if (write.truncateFrom === -1) {\n    records",
  },
  {
    name: "vote-not-recorded",
    story: "The hard state on disk has the term without the vote.",
    ...of("records.ts", "crash"),
    find: 'text(hard.vote ?? "");',
    replace: 'text("");',
  },
  {
    name: "torn-frame-accepted",
    story: "The payload of a frame is believed without its check, so that a torn tail is content.",
    ...of("frame.ts", "crash"),
    find: "  if (hash.crc32(bytes.subarray(start, endOffset), seed) !== header.payloadCheck) {",
    replace: "  if (hash.crc32(bytes.subarray(start, endOffset), seed) === -1) {",
  },
  {
    name: "torn-tail-refused",
    story:
      "A frame that a power failure cut short is taken for rot, and the node refuses to start.",
    ...of("decision.ts", "crash"),
    find: '    action: "cut",\n    reason: "torn tail: the file ends inside the last frame",',
    replace: '    action: "refuse",\n    reason: "torn tail: the file ends inside the last frame",',
  },
  {
    name: "damaged-frame-cut",
    story: "A damaged frame before sound ones is cut off with them, as if it were a torn tail.",
    ...of("decision.ts", "sim"),
    find: '    action: "refuse",\n    code: "corrupt",\n' +
      '    reason: "a damaged frame stands before a sound one",',
    replace: '    action: "cut",\n    code: "corrupt",\n' +
      '    reason: "a damaged frame stands before a sound one",',
  },
  {
    name: "page-cache-believed",
    story: "What a start reads of the last frame counts as durable, whatever sync failed before.",
    ...of("directory.ts", "sim"),
    find: "    file.writeAt(log.lastFrame.offset, log.lastFrame.bytes);\n",
    replace: "",
  },
  {
    name: "boot-not-counted",
    story: "A start leaves its number as it was, so that an older process looks like this one.",
    ...of("directory.ts", "crash"),
    find: "  const identity = { ...before, boot: before.boot + 1 };",
    replace: "  const identity = { ...before, boot: before.boot };",
  },
  {
    name: "segments-retired-too-far",
    story: "Segments go whose entries no durable snapshot holds.",
    ...of("wal.ts", "crash"),
    find: "        if (oldest.indexMax > through) return;",
    replace: "        if (oldest.indexMax > through + 5) return;",
  },
];
