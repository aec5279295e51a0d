/**
 * What every Network must do. `pass` lets time go by until a promise settles: at once on the real
 * network, by advancing the clock on the simulated one.
 */

import assert from "node:assert/strict";
import {
  type Address,
  bytesEqual,
  concat,
  type Connection,
  EMPTY,
  type Listener,
  type Network,
  NetworkError,
  utf8,
} from "../../src/base/mod.ts";

export type NetworkUnderTest = {
  readonly network: Network;
  /** Where to listen; port 0. */
  readonly local: Address;
  /** Nobody answers there. */
  readonly nowhere: Address;
  pass<T>(promise: Promise<T>): Promise<T>;
  /** Whether what comes back can still be read after `closeWrite`. */
  readonly halfClose: boolean;
};

type Link = { readonly near: Connection; readonly far: Connection; readonly listener: Listener };

/** A closed port refuses; one that is just closing may break what it has begun to accept. */
const CLOSED = ["refused", "reset"];

export function networkSuite(name: string, make: () => NetworkUnderTest): void {
  function test(says: string, run: (under: NetworkUnderTest) => Promise<void>): void {
    Deno.test(`${name} ${says}`, () => run(make()));
  }

  /** A test over two connected ends, closed afterwards. */
  function linkTest(says: string, run: (under: NetworkUnderTest, link: Link) => Promise<void>) {
    test(says, async (under) => {
      const link = await connect(under);
      try {
        await run(under, link);
      } finally {
        link.near.close();
        link.far.close();
        link.listener.close();
      }
    });
  }

  linkTest("listen() on port 0 tells the port, dial() reaches it", async (under, link) => {
    const { near, far, listener } = link;
    assert.ok(listener.address.port > 0);
    assert.equal(near.remote.port, listener.address.port);
    assert.equal(far.remote.host, under.local.host);
    await under.pass(near.write(utf8("there")));
    assert.equal(await under.pass(readText(far, 5)), "there");
    await under.pass(far.write(utf8("and back")));
    assert.equal(await under.pass(readText(near, 8)), "and back");
  });

  test("listen() on a port in use rejects with inUse", async (under) => {
    const listener = await under.pass(under.network.listen(under.local, () => {}));
    try {
      await rejects(under.pass(under.network.listen(listener.address, () => {})), ["inUse"]);
    } finally {
      listener.close();
    }
  });

  test("dial() where nobody listens is refused", async (under) => {
    const listener = await under.pass(under.network.listen(under.local, () => {}));
    listener.close();
    await rejects(under.pass(under.network.dial(listener.address, 1_000)), CLOSED);
  });

  test("dial() gives up in time when nobody answers", async (under) => {
    const reasons = ["timeout", "unreachable", "refused"];
    await rejects(under.pass(under.network.dial(under.nowhere, 50)), reasons);
  });

  linkTest("read() ends with null after closeWrite(), and the way back stays open", async (
    { pass, halfClose },
    { near, far },
  ) => {
    await pass(near.write(utf8("last")));
    await pass(near.closeWrite());
    assert.equal(await pass(readText(far, 4)), "last");
    assert.equal(await pass(far.read(new Uint8Array(1))), null);
    if (!halfClose) return;
    await pass(far.write(utf8("heard")));
    assert.equal(await pass(readText(near, 5)), "heard");
  });

  linkTest("close() lets the other side read what was written, then the end", async (
    { pass },
    { near, far },
  ) => {
    await pass(near.write(utf8("bye")));
    near.close();
    near.close();
    assert.equal(await pass(readText(far, 3)), "bye");
    assert.equal(await pass(far.read(new Uint8Array(1))), null);
  });

  linkTest("close() settles a pending read", async ({ pass }, { near }) => {
    const pending = near.read(new Uint8Array(1)).catch((error: unknown) => error);
    near.close();
    const settled = await pass(pending);
    assert.ok(settled === null || settled instanceof NetworkError, String(settled));
    await rejects(pass(near.write(utf8("x"))), ["reset"]);
  });

  linkTest("close() settles a pending write", async ({ pass }, { near }) => {
    const pending = near.write(new Uint8Array(24 * 1024 * 1024)).catch((error: unknown) => error);
    near.close();
    const settled = await pass(pending);
    assert.ok(settled instanceof NetworkError, String(settled));
  });

  linkTest("close() settles a write that the other side does not take", async (
    { pass },
    { near, far },
  ) => {
    // Whoever listens has to get rid of it; who dials has chosen whom.
    const stuck = far.write(new Uint8Array(24 * 1024 * 1024)).catch((error: unknown) => error);
    assert.equal(await pass(near.read(new Uint8Array(1))), 1);
    far.close();
    await pass(stuck);
  });

  linkTest("write() to a side that has closed rejects in the end", async (
    { pass },
    { near, far },
  ) => {
    far.close();
    await rejects(pass(writeForEver(near)), ["reset"]);
  });

  linkTest("write() carries megabytes in order, and waits for a slow reader", async (
    { pass },
    { near, far },
  ) => {
    const sent = pattern(24 * 1024 * 1024);
    let written = false;
    const writing = near.write(sent).then(() => written = true);
    assert.deepEqual(await pass(readExactly(far, 1_000)), sent.slice(0, 1_000));
    assert.equal(written, false, "24 MiB fit into no buffer between the two");
    const rest = await pass(readExactly(far, sent.length - 1_000));
    await pass(writing);
    assert.ok(bytesEqual(rest, sent.subarray(1_000)));
  });

  linkTest("write() is done with its buffer when it resolves", async ({ pass }, { near, far }) => {
    const buffer = utf8("one");
    await pass(near.write(buffer));
    buffer.set(utf8("two"));
    await pass(near.write(buffer));
    await pass(near.write(EMPTY));
    assert.equal(await pass(readText(far, 6)), "onetwo");
  });

  linkTest("close() of a listener refuses the next, and keeps the accepted", async (
    under,
    { near, far, listener },
  ) => {
    listener.close();
    listener.close();
    await rejects(under.pass(under.network.dial(listener.address, 1_000)), CLOSED);
    await under.pass(near.write(utf8("still")));
    assert.equal(await under.pass(readText(far, 5)), "still");
  });
}

async function connect({ network, local, pass }: NetworkUnderTest): Promise<Link> {
  let accept: (connection: Connection) => void;
  const accepted = new Promise<Connection>((resolve) => accept = resolve);
  const listener = await pass(network.listen(local, (connection) => accept(connection)));
  const near = await pass(network.dial(listener.address, 1_000));
  return { near, far: await pass(accepted), listener };
}

async function readExactly(connection: Connection, length: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let missing = length; missing > 0;) {
    const buffer = new Uint8Array(Math.min(missing, 65_536));
    const count = await connection.read(buffer);
    assert.ok(count !== null && count > 0 && count <= buffer.length, `read ${count}`);
    parts.push(buffer.subarray(0, count));
    missing -= count;
  }
  return concat(parts);
}

async function readText(connection: Connection, length: number): Promise<string> {
  return new TextDecoder().decode(await readExactly(connection, length));
}

async function writeForEver(connection: Connection): Promise<never> {
  while (true) await connection.write(new Uint8Array(65_536));
}

function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 31) ^ (at >>> 11);
  return bytes;
}

async function rejects(promise: Promise<unknown>, codes: string[]): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof NetworkError, String(error));
    assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
    return true;
  });
}
