/**
 * `keva export`: writes items as lines of JSON.
 */

import { DiskError, type DiskFile, utf8 } from "../base/mod.ts";
import type { KevaClient } from "../client/mod.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { Counter, countOf } from "./counter.ts";
import { CommandError } from "./error.ts";
import { formatItem } from "./item_line.ts";
import { keyBase64Option, keyHexOption, parsePrefix } from "./key.ts";
import { clientCommand, timeoutOption } from "./options.ts";

const EPILOGUE = `
Each line is an object with key or key64, value or value64 (base64, where it is not UTF-8 text),
contentType and, where the item goes by itself, expiresMs. All items are as of one moment. Items that
the caller may not watch are left out. A file is there only once it is whole.

Examples:
  keva export > all.jsonl
  keva export users/ --file users.jsonl`;

export function exportCommand(context: Context) {
  return clientCommand("export")
    .summary("write items as lines of JSON")
    .description("Writes all items whose keys begin with PREFIX as lines of JSON, in key order.")
    .argument("[prefix]", "what the keys begin with; all keys without it")
    .option("-f, --file <path>", "write to this file instead of standard output")
    .addOption(keyBase64Option("PREFIX"))
    .addOption(keyHexOption("PREFIX"))
    .addOption(timeoutOption())
    .addHelpText("after", EPILOGUE)
    .action(async (text, options) => {
      const prefix = parsePrefix(text ?? "", options);
      const { file } = options;
      const sink = file === undefined ? new StandardOutput(context) : openFile(context, file);
      const counter = new Counter(context, { verb: "exported" });
      try {
        const revision = await writeAll(connect(context, options), { prefix, sink, counter });
        await sink.finish();
        counter.clear();
        context.stderr.write(`exported ${countOf(counter.items)} as of revision ${revision}\n`);
      } catch (error) {
        counter.clear();
        sink.abandon();
        throw error instanceof DiskError ? cannotWrite(error) : error;
      }
    });
}

interface Sink {
  write(text: string): void;
  /** Takes back what was written; false when that cannot be done. */
  restart(): boolean;
  finish(): Promise<void>;
  abandon(): void;
}

type Job = { readonly prefix: Uint8Array; readonly sink: Sink; readonly counter: Counter };

/** The items that a watch begins with are those of one moment, however many they are. */
async function writeAll(keva: KevaClient, { prefix, sink, counter }: Job): Promise<number> {
  for await (const event of keva.watch({ prefix, initial: true })) {
    if (event.kind === "synced") return event.revision;
    if (event.kind === "put") {
      const line = formatItem(event);
      sink.write(line);
      counter.add(line.length);
    } else if (event.kind === "reset") {
      if (!sink.restart()) throw new CommandError("the connection broke in between; run it again");
      counter.items = counter.bytes = 0;
    }
  }
  throw new CommandError("the nodes ended before all items were told; run it again");
}

class StandardOutput implements Sink {
  readonly #context: Context;
  #isUsed = false;

  constructor(context: Context) {
    this.#context = context;
  }

  write(text: string): void {
    const { stdout } = this.#context;
    this.#isUsed = true;
    stdout.write(text);
    if (stdout.closed) throw new CommandError("nobody reads standard output any more");
  }

  restart(): boolean {
    return !this.#isUsed;
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  abandon(): void {}
}

/** Under another name until it is whole. */
class FileSink implements Sink {
  readonly #context: Context;
  readonly #path: string;
  readonly #file: DiskFile;
  #offset = 0;

  constructor(context: Context, path: string) {
    const { disk } = context.ports;
    this.#context = context;
    this.#path = path;
    disk.remove(this.#unfinished);
    this.#file = disk.open(this.#unfinished, "create");
  }

  get #unfinished(): string {
    return `${this.#path}.new`;
  }

  write(text: string): void {
    const bytes = utf8(text);
    this.#file.writeAt(this.#offset, bytes);
    this.#offset += bytes.length;
  }

  restart(): boolean {
    this.#file.truncate(0);
    this.#offset = 0;
    return true;
  }

  async finish(): Promise<void> {
    await this.#file.sync();
    this.#file.close();
    this.#context.ports.disk.rename(this.#unfinished, this.#path);
  }

  abandon(): void {
    this.#file.close();
    this.#context.ports.disk.remove(this.#unfinished);
  }
}

function openFile(context: Context, path: string): Sink {
  try {
    return new FileSink(context, path);
  } catch (error) {
    throw error instanceof DiskError ? cannotWrite(error) : error;
  }
}

function cannotWrite({ path, reason }: DiskError): CommandError {
  return new CommandError(`cannot write ${path}: ${reason}`);
}
