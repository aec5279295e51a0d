/** `keva dev`: a cluster in one terminal, whose printed commands work when they are pasted. */

import assert from "node:assert/strict";
import { BINARY, freePorts } from "./support/cluster.ts";
import { textOf } from "./support/kv.ts";
import { output, RunningProcess } from "./support/process.ts";
import { until } from "./support/wait.ts";

Deno.test("keva dev: starts, serves what it prints, stops on Ctrl-C, and finds its data again", () =>
  withDirectory(async (cwd, port) => {
    const first = await started(cwd, port);
    try {
      assert.equal(first.urls.length, 3);
      assert.equal(first.curls.length, 2);
      const [put, get] = first.curls as [string, string];
      assert.match(await paste(put), /"done":"true"/);
      assert.equal(await paste(get), "hello");
      for (const url of first.urls) {
        assert.equal(await paste(get.replace(/http:\/\/[^/]+/, url)), "hello");
      }
      await stopWithCtrlC(first.dev);

      const second = await started(cwd, port);
      assert.equal(await paste(second.curls[1] as string), "hello");
      await stopWithCtrlC(second.dev);
    } finally {
      await first.dev.kill();
    }
  }));

Deno.test("keva dev: goes on when a node dies, and says how to start it again", () =>
  withDirectory(async (cwd, port) => {
    const { dev, curls } = await started(cwd, port);
    const [child] = childrenOf(dev.pid) as [number];
    Deno.kill(child, "SIGKILL");
    await dev.line(/was ended by SIGKILL/);
    const [, again] = await dev.line(/start it again with: keva (.*)/);
    const node = new RunningProcess(BINARY, { args: (again as string).split(" "), cwd });
    try {
      await node.line(/serves http/);
      const url = /http:\/\/\S+/.exec(node.text)?.[0];
      await paste(curls[0] as string);
      await until("the restarted node serves", async () => {
        const { code } = await output("curl", { args: ["-fs", `${url}/readyz`] });
        return code === 0;
      });
      assert.equal(await paste(`curl -s ${url}/v1/storage/key/greeting`), "hello");
    } finally {
      await node.kill();
      await stopWithCtrlC(dev);
    }
  }));

Deno.test("keva dev: when it is killed, its nodes end too", () =>
  withDirectory(async (cwd, port) => {
    const { dev } = await started(cwd, port);
    const children = childrenOf(dev.pid);
    assert.equal(children.length, 3);
    await dev.kill();
    await until("the nodes end", () => children.every((pid) => !exists(pid)));
  }));

Deno.test("keva dev: refuses a port in use and starts nothing", () =>
  withDirectory(async (cwd, port) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: port + 1 });
    const dev = new RunningProcess(BINARY, { args: ["dev", "--port", String(port)], cwd });
    const { code } = await dev.end();
    listener.close();
    assert.equal(code, 1);
    assert.match(dev.text, new RegExp(`^keva: port ${port + 1} is in use; `));
  }));

type Started = {
  readonly dev: RunningProcess;
  readonly urls: readonly string[];
  readonly curls: readonly string[];
};

async function started(cwd: string, port: number): Promise<Started> {
  const args = ["dev", "--port", String(port)];
  const dev = new RunningProcess(BINARY, { args, cwd, ownGroup: true });
  try {
    await dev.line(/Ctrl-C stops all of them/, { timeoutMs: 30_000 });
  } catch (error) {
    await dev.kill();
    throw error;
  }
  const said = dev.lines.filter((line) => /^ {2}\S/.test(line)).map((line) => line.trim());
  return {
    dev,
    urls: said.flatMap((line) => /^host\S+ +(http:\/\/\S+)$/.exec(line)?.[1] ?? []),
    curls: said.filter((line) => line.startsWith("curl ")),
  };
}

/** What a person does: into a shell, as it is. */
async function paste(command: string): Promise<string> {
  const { code, stdout, stderr } = await output("sh", { args: ["-c", command] });
  assert.equal(code, 0, stderr);
  return textOf(stdout);
}

async function stopWithCtrlC(dev: RunningProcess): Promise<void> {
  const children = childrenOf(dev.pid);
  const stoppedAt = performance.now();
  dev.signalGroup("SIGINT");
  assert.deepEqual(await dev.end(), { code: 0, signal: null }, dev.text);
  assert.ok(performance.now() - stoppedAt < 5_000);
  assert.deepEqual(children.filter(exists), [], "nodes left behind");
}

function childrenOf(pid: number): number[] {
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
  return children.split(" ").filter((text) => text !== "").map(Number);
}

/** A zombie has ended. */
function exists(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

/** A clean directory, and a port behind which those of three nodes are free. */
async function withDirectory(run: (cwd: string, port: number) => Promise<void>): Promise<void> {
  const cwd = await Deno.makeTempDir({ prefix: "keva-e2e-" });
  try {
    await run(cwd, await freeBlock());
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

function freeBlock(): Promise<number> {
  return until("free ports", () => {
    const [port] = freePorts(1) as [number];
    return [0, 1, 2, 10, 11, 12].every((offset) => isFree(port + offset)) && port;
  });
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch {
    return false;
  }
}
