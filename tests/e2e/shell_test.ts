/** keva shell at a terminal: what only a terminal shows. */

import assert from "node:assert/strict";
import { BINARY, clusterTest } from "./support/cluster.ts";
import { until } from "./support/wait.ts";

const PROMPT = "keva> ";
const [TAB, CTRL_C, CTRL_D, UP] = ["\t", "\x03", "\x04", "\x1b[A"];

clusterTest(
  "keva shell completes, goes back in time, survives Ctrl-C, and remembers no value",
  { nodes: 1, ignore: !(await hasScript()) },
  async ({ cluster }) => {
    await cluster.start();
    const state = `${cluster.directory}/state`;
    const shell = new Terminal(`exec ${BINARY} shell --endpoints ${cluster.endpoints}`, state);
    try {
      await shell.shows(PROMPT);
      await shell.type("stat", "stat");
      await shell.type(TAB, "us ");
      await shell.command("", /The only node is up\./);
      await shell.command("put k secret-value", /stored at revision/);
      await shell.command("get k", /secret-value/);
      await shell.type(UP, "get k");
      await shell.type(CTRL_C, `^C\r\n${PROMPT}`);
      await shell.type("watch --initial\r", "synced");
      await shell.type(CTRL_C, PROMPT);
      await shell.type(UP, "watch --initial");
      await shell.type(CTRL_C, `^C\r\n${PROMPT}`);
      await shell.command("get k", /secret-value/);
      shell.send(CTRL_D);
      assert.equal(await shell.end(), 0, shell.text);
    } catch (error) {
      console.error(shell.text);
      throw error;
    } finally {
      await shell.kill();
    }
    const file = `${state}/keva/history`;
    assert.equal(Deno.readTextFileSync(file), "status\nget k\nwatch --initial\nget k\n");
    assert.equal((Deno.statSync(file).mode ?? 0) & 0o777, 0o600);
  },
);

/**
 * A program at a terminal that `script` makes. The shell in between has to give way to it by `exec`:
 * some shells would take Ctrl-C for themselves too.
 */
class Terminal {
  text = "";
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #reading: Promise<void>;
  #seen = 0;

  constructor(command: string, state: string) {
    this.#child = new Deno.Command("script", {
      args: ["--quiet", "--flush", "--return", "--command", command, "/dev/null"],
      env: { XDG_STATE_HOME: state, TERM: "xterm", NO_PROXY: "127.0.0.1" },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  send(keys: string): void {
    void this.#input.write(new TextEncoder().encode(keys) as Uint8Array<ArrayBuffer>);
  }

  /** A line, which shows what is expected and then the prompt again. */
  async command(line: string, expected: RegExp): Promise<void> {
    this.#seen = this.text.length;
    this.send(`${line}\r`);
    await until(`an answer like ${expected}`, () => {
      const shown = plain(this.text.slice(this.#seen));
      return expected.test(shown) && shown.endsWith(PROMPT);
    });
  }

  /** Waits until what is shown from now on holds `expected`. */
  async type(keys: string, expected: string): Promise<void> {
    this.#seen = this.text.length;
    this.send(keys);
    await this.shows(expected);
  }

  async shows(expected: string): Promise<void> {
    const what = `the terminal to show ${JSON.stringify(expected)}`;
    await until(what, () => plain(this.text.slice(this.#seen)).includes(expected));
  }

  async end(): Promise<number> {
    const { code } = await this.#child.status;
    return code;
  }

  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#input.close().catch(() => {});
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.text += text;
    }
  }
}

/** Without what moves the cursor and colours. */
function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[0-9;]*[A-Za-z]/g, "");
}

async function hasScript(): Promise<boolean> {
  try {
    return (await new Deno.Command("script", { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}
