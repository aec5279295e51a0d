/** A node inside a program, on a real disk. */

import assert from "node:assert/strict";
import { KevaClient, KevaNode } from "../../src/mod.ts";
import { freePort } from "./support.ts";

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "keva-open-" });
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

Deno.test("KevaNode.open() alone keeps its data from one start to the next", () =>
  inDirectory(async (directory) => {
    const first = await KevaNode.open({ directory });
    await first.client().put("k", "v");
    await first.stop();
    const second = await KevaNode.open({ directory });
    assert.equal(text((await second.client().get("k"))?.value), "v");
    await second.stop();
  }));

Deno.test("two nodes alone in one program have nothing to do with each other", () =>
  inDirectory(async (directory) => {
    const one = await KevaNode.open({ directory: `${directory}/1` });
    const two = await KevaNode.open({ directory: `${directory}/2` });
    await one.client().put("k", "v");
    assert.equal(await two.client().get("k"), null);
    await one.stop();
    await two.stop();
  }));

Deno.test("two nodes alone that serve HTTP share nothing but the machine", () =>
  inDirectory(async (directory) => {
    const [one, two] = await Promise.all(
      ["1", "2"].map((name) =>
        KevaNode.open({ directory: `${directory}/${name}`, port: freePort() })
      ),
    );
    await Promise.all([one?.client().put("k", "1"), two?.client().put("k", "2")]);
    assert.equal(text((await one?.client().get("k"))?.value), "1");
    await Promise.all([one?.stop(), two?.stop()]);
  }));

Deno.test("KevaNode.open() with a port serves HTTP there, and refuses a directory in use", () =>
  inDirectory(async (directory) => {
    const port = freePort();
    const node = await KevaNode.open({ directory, port });
    assert.deepEqual(node.userAddress, { host: "127.0.0.1", port });
    const keva = new KevaClient({ endpoints: [`127.0.0.1:${port}`], discover: false });
    await keva.put("k", "v");
    assert.equal(text((await node.client().get("k"))?.value), "v");
    await assert.rejects(KevaNode.open({ directory }), /in use|another process/);
    await node.stop();
  }));

Deno.test("KevaNode.open() takes a configuration, and its client what access asks for", () =>
  inDirectory(async (directory) => {
    const [peerPort, port] = [freePort(), freePort()];
    const config = `[access]\nclients = "authenticated"\n[[node]]\nidentity = "a"\n` +
      `address = "127.0.0.1"\nkeva_port = ${peerPort}\nuser_port = ${port}\nwait_time = 0.2\n`;
    const node = await KevaNode.open({ directory, config, identity: "a" });
    await node.client().put("k", "v");
    const stranger = new KevaClient({ endpoints: [`127.0.0.1:${port}`], discover: false });
    await assert.rejects(stranger.get("k"), { code: "unauthenticated" });
    await node.stop();
    const wrong = KevaNode.open({ directory, config: "x = 1", identity: "a" });
    await assert.rejects(wrong, /config:1: unknown key x/);
    const nobody = KevaNode.open({ directory, config, identity: "b" });
    await assert.rejects(nobody, /no \[\[node\]\] has the identity "b"/);
  }));
