/** The proxy itself: a fault that it does not make would be a fault that nobody tests. */

import assert from "node:assert/strict";
import { freePorts } from "./support/cluster.ts";
import { Route, TcpProxy } from "./support/tcp_proxy.ts";
import { until } from "./support/wait.ts";

const HOST = "127.0.0.1";

/** One end of a connection, read all the time. */
class End {
  text = "";
  /** How the stream ended: closed, or the name of the error. */
  ended: string | null = null;

  constructor(readonly tcp: Deno.TcpConn) {
    void this.#read();
  }

  async send(text: string): Promise<void> {
    await this.tcp.write(new TextEncoder().encode(text));
  }

  async hears(text: string): Promise<void> {
    await until(`"${text}", not "${this.text}"`, () => this.text === text, 5_000);
  }

  async ends(how: string): Promise<void> {
    await until(`the end ${how}, not ${this.ended}`, () => this.ended === how, 5_000);
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(1024);
    try {
      for (let count; (count = await this.tcp.read(buffer)) !== null;) {
        this.text += new TextDecoder().decode(buffer.subarray(0, count));
      }
      this.ended = "closed";
    } catch (error) {
      this.ended = (error as Error).name;
    }
  }
}

type Setting = {
  readonly proxy: TcpProxy;
  readonly there: Route;
  readonly back: Route;
  readonly near: End;
  readonly far: End;
};

function proxyTest(name: string, run: (setting: Setting) => Promise<void>): void {
  Deno.test(`tcp proxy: ${name}`, async () => {
    const [there, back] = [new Route(), new Route()];
    const listener = Deno.listen({ hostname: HOST, port: 0 });
    const [port] = freePorts(1) as [number];
    const proxy = new TcpProxy({ port, target: listener.addr.port, there, back });
    await proxy.listen();
    const near = new End(await Deno.connect({ hostname: HOST, port }));
    const far = new End(await listener.accept());
    try {
      await run({ proxy, there, back, near, far });
    } finally {
      there.release();
      back.release();
      proxy.close();
      for (const end of [near, far]) {
        await until("the end", () => end.ended !== null, 5_000);
        end.tcp.close();
      }
      listener.close();
      await until("no connection", () => proxy.connections === 0, 5_000);
    }
  });
}

proxyTest("passes bytes and the end of each direction", async ({ near, far }) => {
  await near.send("there");
  await far.hears("there");
  await near.tcp.closeWrite();
  await far.ends("closed");
  await far.send("back");
  await near.hears("back");
  await far.tcp.closeWrite();
  await near.ends("closed");
});

proxyTest("holds one direction, and then lets all of it through", async (setting) => {
  const { there, near, far } = setting;
  there.hold();
  await near.send("a");
  await far.send("x");
  await near.hears("x");
  await near.send("b");
  await near.tcp.closeWrite();
  assert.deepEqual([far.text, far.ended], ["", null]);
  there.release();
  await far.hears("ab");
  await far.ends("closed");
});

proxyTest("delays one direction", async ({ there, near, far }) => {
  there.delayMs = 300;
  const startedAt = performance.now();
  await near.send("a");
  await far.send("x");
  await near.hears("x");
  assert.ok(far.text === "" || performance.now() - startedAt >= 300);
  await far.hears("a");
  assert.ok(performance.now() - startedAt >= 299);
});

proxyTest("resets", async ({ proxy, near, far }) => {
  await near.send("a");
  await far.hears("a");
  proxy.reset();
  await near.ends("ConnectionReset");
  await far.ends("ConnectionReset");
});

proxyTest("a reset loses what is held", async ({ proxy, back, near, far }) => {
  back.hold();
  await far.send("lost");
  await near.send("a");
  await far.hears("a");
  proxy.reset();
  await near.ends("ConnectionReset");
  assert.equal(near.text, "");
});

proxyTest("half-closes: the dialed end reads no more, and can still write", async (setting) => {
  const { proxy, near, far } = setting;
  await near.send("a");
  await far.hears("a");
  proxy.halfClose();
  await far.ends("closed");
  await near.send("into the void");
  await far.send("still here");
  await near.hears("still here");
  assert.equal(far.text, "a");
});
