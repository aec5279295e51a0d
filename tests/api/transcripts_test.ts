/**
 * Whole conversations as text: `testdata/*.http`. A script is run and its answers written into it;
 * the test fails when that changes the file. KEVA_UPDATE=1 accepts the change.
 *
 *     # comment
 *     > line sent, CR LF added; a last \ leaves them out; {a*9} repeats; \xNN, \r, \n, \\ are bytes;
 *       {operator} is the operator token
 *     < line received; (end) when the server has closed
 *     ! store KEY VALUE [TYPE]   put an item there
 *     ! apply put KEY VALUE [TYPE], ! apply delete KEY: a change that watchers see
 *     ! fail CODE EFFECT         what the replica answers from now on; "! heal" ends it
 *     ! full                     the replica has no room for records
 *     ! break                    the replica throws from now on
 *     ! advance MS               let time pass
 *     ! connect                  go on with a new connection
 *
 * Lines sent in one block leave in one write. Each script also runs with everything cut into random
 * pieces, which must not change a byte of the answers.
 */

import assert from "node:assert/strict";
import { hex, ok } from "../../src/base/mod.ts";
import type { FailureCode } from "../../src/node/mod.ts";
import { type ErrorCode, errorTable } from "../../src/service/mod.ts";
import { golden } from "../support/golden.ts";
import { type Client, Harness, item, latin1Bytes } from "./support.ts";

const DIRECTORY = new URL("testdata/", import.meta.url);
/** So that limits on values can be shown in full; all others are the real ones. */
const VALUE_BYTES_MAX = 1000;

const scripts = [...Deno.readDirSync(DIRECTORY)].map(({ name }) => name)
  .filter((name) => name.endsWith(".http"))
  .sort();

function read(name: string): string {
  return Deno.readTextFileSync(new URL(name, DIRECTORY));
}

class Script {
  readonly #harness: Harness;
  #client: Client | null = null;
  #block = "";
  #output: string[] = [];

  constructor(harness: Harness) {
    this.#harness = harness;
  }

  async run(text: string): Promise<string> {
    for (const line of text.replace(/\n$/, "").split("\n")) {
      if (line.startsWith("<")) continue;
      if (line.startsWith(">")) {
        const sent = line.replace(/^> ?/, "").replace("{operator}", this.#harness.operatorToken);
        this.#block += unescape(sent);
      } else {
        await this.#sendBlock();
        if (line.startsWith("!")) await this.#direct(line.slice(2));
      }
      this.#output.push(line);
      if (/^! (advance|apply)/.test(line)) this.#receive();
    }
    await this.#sendBlock();
    this.#client?.close();
    return `${this.#output.join("\n")}\n`;
  }

  async #sendBlock(): Promise<void> {
    if (this.#block === "") return;
    if (this.#client === null || this.#client.ended) {
      this.#client = await this.#harness.connect();
    }
    this.#client.send(this.#block);
    this.#block = "";
    await this.#harness.clock.advance(200);
    this.#receive();
  }

  #receive(): void {
    const client = this.#client;
    if (client === null) return;
    const received = client.take();
    if (received !== "") {
      const lines = received.replace(/\r?\n$/, "").split(/\r?\n/);
      this.#output.push(...lines.map((line) => `< ${shorten(line)}`.trimEnd()));
    }
    if (client.ended) {
      this.#output.push("< (end)");
      this.#client = null;
    }
  }

  async #direct(text: string): Promise<void> {
    const { replica, clock } = this.#harness;
    const [verb, ...words] = unescape(text + "\\").split(" ") as [string, ...string[]];
    switch (verb) {
      case "store":
        replica.store(words[0] as string, item(words[1] as string), words[2] ?? "");
        break;
      case "apply": {
        const [kind, key, value, contentType] = words;
        const [keyBytes, valueBytes] = [latin1Bytes(key ?? ""), latin1Bytes(value ?? "")];
        replica.change(
          kind === "delete"
            ? { kind, key: keyBytes }
            : { kind: "put", key: keyBytes, value: valueBytes, contentType: contentType ?? "" },
        );
        await clock.advance(10);
        break;
      }
      case "fail": {
        const [code, effect] = words as [FailureCode, "none" | "unknown"];
        replica.failure = { code, effect, reason: "The replica says why.", leader: "n2" };
        break;
      }
      case "full":
        replica.recordsFull = true;
        break;
      case "break":
        replica.gate = Promise.reject(new Error("planted"));
        replica.gate.catch(() => {});
        break;
      case "heal":
        replica.failure = replica.gate = null;
        break;
      case "advance":
        await clock.advance(Number(words[0]));
        break;
      case "connect":
        this.#client?.close();
        this.#client = null;
        break;
      default:
        throw new Error(`unknown directive ${verb}`);
    }
  }
}

function unescape(line: string): string {
  const open = line.endsWith("\\") && !line.endsWith("\\\\");
  const text = (open ? line.slice(0, -1) : line)
    .replace(/\{([^{}]+)\*(\d+)\}/g, (_, part: string, count: string) => part.repeat(Number(count)))
    .replace(/\\(x[0-9a-f]{2}|r|n|\\)/g, (_, name: string) => {
      if (name.startsWith("x")) return String.fromCharCode(parseInt(name.slice(1), 16));
      return name === "r" ? "\r" : name === "n" ? "\n" : "\\";
    });
  return open ? text : `${text}\r\n`;
}

/** Long runs become `{x*N}`; what is not visible ASCII, `\xNN`. */
function shorten(line: string): string {
  return line.replace(/(.)\1{40,}/g, (run, char) => `{${char}*${run.length}}`)
    .replace(/[^\x20-\x7e]/g, (char) => `\\x${hex(latin1Bytes(char))}`);
}

/** A file without a rule, so that there is a policy from the beginning. */
const policy = () => ok([]);

async function runScript(name: string, fragment: boolean): Promise<string> {
  const isPolicy = name === "policy.http";
  const authenticated = name === "authenticated.http" || isPolicy;
  const valueBytesMax = VALUE_BYTES_MAX;
  const harness = await Harness.start({
    valueBytesMax,
    authenticated,
    fragment,
    ...isPolicy && { policy },
  });
  const output = await new Script(harness).run(read(name));
  await harness.stop();
  return output;
}

for (const name of scripts) {
  Deno.test(`serveHttp() conversation ${name}`, async () => {
    golden(import.meta.url, name, await runScript(name, false));
  });

  Deno.test(`serveHttp() conversation ${name}, cut into random pieces`, async () => {
    assert.equal(await runScript(name, true), read(name));
  });
}

/**
 * Shown where they need more than one connection, server_test.ts, keys, key_ring_test.ts, or Casbin,
 * policies_test.ts.
 */
const ELSEWHERE: ErrorCode[] = [
  "tooManyConnections",
  "memoryLimit",
  "keysInvalid",
  "policyLoading",
];

Deno.test("serveHttp() conversations show every error code", () => {
  const all = scripts.map(read).join("");
  const missing = (Object.keys(errorTable) as ErrorCode[])
    .filter((code) => !all.includes(`"code":"${code}"`) && !ELSEWHERE.includes(code));
  assert.deepEqual(missing, []);
});
