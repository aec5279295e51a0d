/** Mutual TLS: the suite of every Network, and each attack that it must stand. */

import "reflect-metadata"; // before @peculiar/x509
import assert from "node:assert/strict";
import * as nodeTls from "node:tls";
import { BasicConstraintsExtension, X509CertificateGenerator } from "@peculiar/x509";
import {
  type Address,
  bytesEqual,
  concat,
  type Connection,
  limits,
  NetworkError,
  type PublicKeyBytes,
  type SecureEndpoint,
  type SecureListener,
  utf8,
} from "../../src/base/mod.ts";
import { privateKeyPem } from "../../src/keys/mod.ts";
import { ed25519, secureNetwork } from "../../src/platform/mod.ts";
import { certificateOf, signerOf } from "../../src/platform/certificate.ts";
import { signWith } from "../../src/platform/ed25519.ts";
import { proofMessage } from "../../src/platform/tls_endpoint.ts";
import { networkSuite } from "./network_suite.ts";

type Holder = {
  readonly pem: string;
  readonly key: PublicKeyBytes;
  readonly endpoint: SecureEndpoint;
};

function holder(seed: number): Holder {
  const pem = privateKeyPem(new Uint8Array(32).fill(seed));
  return { pem, key: ed25519.publicKey(pem), endpoint: secureNetwork.as(pem) };
}

const LOCAL: Address = { host: "127.0.0.1", port: 0 };
const [a, b, c] = [holder(1), holder(2), holder(3)];

networkSuite("secureNetwork", () => ({
  network: {
    listen: (address, accept) =>
      a.endpoint.listen(address, { trusted: [b.key], accept, refused: () => {} }),
    dial: (address, timeoutMs) => b.endpoint.dial(address, timeoutMs, a.key),
  },
  local: LOCAL,
  nowhere: { host: "192.0.2.1", port: 9 }, // TEST-NET-1: routed to nobody
  pass: (promise) => promise,
  halfClose: false,
}));

/** What a listener of a, who trusts b, lets in and turns away. */
class Door {
  readonly accepted: { connection: Connection; key: PublicKeyBytes }[] = [];
  readonly refused: string[] = [];
  #changed: (() => void) | undefined;
  listener!: SecureListener;

  static async open(trusted: readonly PublicKeyBytes[] = [b.key]): Promise<Door> {
    const door = new Door();
    door.listener = await a.endpoint.listen(LOCAL, {
      trusted,
      accept: (connection, key) => {
        door.accepted.push({ connection, key });
        door.#changed?.();
      },
      refused: (_, reason) => {
        door.refused.push(reason);
        door.#changed?.();
      },
    });
    return door;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#changed = resolve);
  }

  close(): void {
    this.listener.close();
    for (const { connection } of this.accepted) connection.close();
  }

  get address(): Address {
    return this.listener.address;
  }
}

function doorTest(says: string, run: (door: Door) => Promise<void>): void {
  Deno.test(`secureNetwork ${says}`, async () => {
    const door = await Door.open();
    try {
      await run(door);
    } finally {
      door.close();
    }
  });
}

/** A dial that gets nothing from the other side: it fails, or its first read does. */
async function getsNothing(dialing: Promise<Connection>): Promise<void> {
  let connection: Connection | undefined;
  try {
    connection = await dialing;
    assert.equal(await connection.read(new Uint8Array(1)), null);
  } catch (error) {
    assert.ok(error instanceof NetworkError, String(error));
  } finally {
    connection?.close();
  }
}

doorTest("tells which key the other side holds", async (door) => {
  door.listener.trust([b.key, c.key]);
  for (const { endpoint, key } of [b, c]) {
    const near = await endpoint.dial(door.address, 5_000, a.key);
    await near.write(utf8("x"));
    await door.until(() => door.accepted.length > 0);
    const { connection, key: proven } = door.accepted.pop() as (typeof door.accepted)[number];
    assert.ok(bytesEqual(proven, key));
    connection.close();
    near.close();
  }
});

doorTest("turns away who holds no trusted key", async (door) => {
  await getsNothing(c.endpoint.dial(door.address, 5_000, a.key));
  await door.until(() => door.refused.length > 0);
  assert.deepEqual(door.refused, [
    "the handshake ended before it had proven a key that is authorised here",
  ]);
  assert.equal(door.accepted.length, 0);
});

doorTest("does not talk to a listener with another key than the one wanted", async (door) => {
  await assert.rejects(b.endpoint.dial(door.address, 5_000, c.key), { code: "denied" });
  await door.until(() => door.refused.length === 1);
  assert.equal(door.accepted.length, 0);
});

doorTest("trusts from then on, and only then, whom trust() names", async (door) => {
  door.listener.trust([c.key]);
  await getsNothing(b.endpoint.dial(door.address, 5_000, a.key));
  const near = await c.endpoint.dial(door.address, 5_000, a.key);
  await door.until(() => door.accepted.length === 1);
  door.listener.trust([]);
  await getsNothing(c.endpoint.dial(door.address, 5_000, a.key));
  await near.write(utf8("still here"));
  const buffer = new Uint8Array(10);
  await door.accepted[0]?.connection.read(buffer);
  assert.deepEqual(buffer, utf8("still here"));
  near.close();
});

/** Dials `door` with TLS alone, and answers its number with `prove`. */
async function answer(door: Door, prove: (nonce: Uint8Array) => Uint8Array): Promise<void> {
  const tcp = await Deno.connect({ hostname: door.address.host, port: door.address.port });
  const tls = await Deno.startTls(tcp, {
    hostname: door.address.host,
    caCerts: [await certificateOf(a.key, await signerOf(c.pem))],
    unsafelyDisableHostnameVerification: true,
  });
  const nonce = new Uint8Array(32);
  for (let at = 0; at < nonce.length;) at += await tls.read(nonce.subarray(at)) ?? assert.fail();
  await tls.write(prove(nonce));
  await door.until(() => door.accepted.length + door.refused.length > 0);
  tls.close();
}

/** What the holder of `signer` says to be `key` who dials `to`. */
function proof(nonce: Uint8Array, key: Holder["key"], signer: Holder, to = a.key): Uint8Array {
  return concat([key, signWith(signer.pem, proofMessage(nonce, to, key))]);
}

doorTest("lets in who signs its number", async (door) => {
  await answer(door, (nonce) => proof(nonce, b.key, b));
  assert.deepEqual([door.accepted.length, door.refused.length], [1, 0]);
});

const LIES: readonly [says: string, prove: (nonce: Uint8Array) => Uint8Array][] = [
  ["a trusted key that the signer does not hold", (nonce) => proof(nonce, b.key, c)],
  ["a key that is not trusted", (nonce) => proof(nonce, c.key, c)],
  ["a proof for another number", () => proof(new Uint8Array(32), b.key, b)],
  ["a proof for another node, which passes it on", (nonce) => proof(nonce, b.key, b, c.key)],
  ["the number, signed without its purpose", (nonce) => concat([b.key, signWith(b.pem, nonce)])],
  ["its own key", (nonce) => proof(nonce, a.key, a)],
  ["no key at all", () => new Uint8Array(96)],
];

for (const [says, prove] of LIES) {
  doorTest(`turns away ${says}`, async (door) => {
    await answer(door, prove);
    assert.deepEqual([door.accepted.length, door.refused.length], [0, 1]);
  });
}

Deno.test("secureNetwork does not take a certificate of another signer for that of the key", async () => {
  // It names the wanted key as its holder and its signer, and is signed by another one.
  const forged = await X509CertificateGenerator.create({
    serialNumber: "01",
    subject: `CN=${a.key.toHex()}`,
    issuer: `CN=${a.key.toHex()}`,
    notBefore: new Date("1970-01-01T00:00:00Z"),
    notAfter: new Date("9999-12-31T23:59:59Z"),
    signingAlgorithm: { name: "Ed25519" },
    publicKey: await crypto.subtle.importKey("raw", c.key.slice(), "Ed25519", true, ["verify"]),
    signingKey: await signerOf(c.pem),
    extensions: [new BasicConstraintsExtension(false, undefined, true)],
  });
  const { hostname, port } = { hostname: LOCAL.host, port: 0 };
  const impostor = Deno.listenTls({ hostname, port, cert: forged.toString("pem"), key: c.pem });
  const served = impostor.accept().then(async (tls) => {
    await assert.rejects(tls.handshake());
    tls.close();
  });
  const address = { host: hostname, port: impostor.addr.port };
  await assert.rejects(b.endpoint.dial(address, 5_000, a.key), { code: "denied" });
  await served;
  impostor.close();
});

doorTest("speaks nothing older than TLS 1.3", async (door) => {
  const socket = nodeTls.connect({
    ...door.address,
    maxVersion: "TLSv1.2",
    rejectUnauthorized: false,
  });
  await new Promise<void>((resolve) => {
    socket.on("secureConnect", () => assert.fail("it does"));
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
  });
  socket.destroy();
  await door.until(() => door.refused.length > 0);
});

doorTest("turns away what is no TLS", async (door) => {
  const plain = await Deno.connect({ hostname: door.address.host, port: door.address.port });
  await plain.write(utf8("GET / HTTP/1.1\r\n\r\n"));
  await door.until(() => door.refused.length > 0);
  plain.close();
  assert.equal(door.accepted.length, 0);
});

doorTest("keeps few silent strangers of one address, and none of them for long", async (door) => {
  const silent: Deno.TcpConn[] = [];
  for (let i = 0; i <= limits.halfOpenLinksPerAddressMax; i++) {
    silent.push(await Deno.connect({ hostname: door.address.host, port: door.address.port }));
  }
  const startedAt = performance.now();
  await door.until(() => door.refused.length > 0);
  assert.equal(door.refused[0], "too many strangers of one address");
  await door.until(() => door.refused.length === silent.length);
  assert.ok(performance.now() - startedAt < 3 * limits.handshakeTimeoutMs);
  for (const one of silent) one.close();
  const near = await b.endpoint.dial(door.address, 5_000, a.key);
  await door.until(() => door.accepted.length === 1);
  near.close();
});

Deno.test("secureNetwork shows nobody in between what is sent", async () => {
  const door = await Door.open();
  const seen: Uint8Array[] = [];
  const wire = Deno.listen({ hostname: LOCAL.host, port: 0 });
  const tapped = (async () => {
    const near = await wire.accept();
    const far = await Deno.connect({ hostname: door.address.host, port: door.address.port });
    const tap = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: (bytes, out) => (seen.push(bytes), out.enqueue(bytes)),
    });
    const ignore = () => {};
    await Promise.all([
      near.readable.pipeThrough(tap).pipeTo(far.writable).catch(ignore),
      far.readable.pipeTo(near.writable).catch(ignore),
    ]);
  })();
  const { port } = wire.addr as Deno.NetAddr;
  const near = await b.endpoint.dial({ host: LOCAL.host, port }, 5_000, a.key);
  const secret = "a value that only the two of them know";
  await near.write(utf8(secret));
  await door.until(() => door.accepted.length === 1);
  const buffer = new Uint8Array(100);
  const count = await door.accepted[0]?.connection.read(buffer) as number;
  assert.equal(new TextDecoder().decode(buffer.subarray(0, count)), secret);
  near.close();
  door.close();
  wire.close();
  await tapped;
  const wireText = seen.map((bytes) => new TextDecoder("latin1").decode(bytes)).join("");
  assert.ok(wireText.length > secret.length);
  assert.ok(!wireText.includes("a value") && !wireText.includes("only the two"));
});

Deno.test("secureNetwork proves another key on new connections, and leaves the open ones", async () => {
  const [old, next] = [holder(41), holder(42)];
  const { endpoint } = holder(41);
  const accepted: PublicKeyBytes[] = [];
  const open: Connection[] = [];
  const listener = await endpoint.listen(LOCAL, {
    trusted: [b.key],
    accept: (connection, key) => {
      accepted.push(key);
      open.push(connection);
      void connection.write(utf8("hello"));
    },
    refused: () => {},
  });
  const greeted = async (connection: Connection): Promise<Connection> => {
    open.push(connection);
    assert.equal(await connection.read(new Uint8Array(5)), 5);
    return connection;
  };
  const before = await greeted(await b.endpoint.dial(listener.address, 5_000, old.key));
  await endpoint.use(next.pem);
  await greeted(await b.endpoint.dial(listener.address, 5_000, next.key));
  await assert.rejects(b.endpoint.dial(listener.address, 5_000, old.key), { code: "denied" });
  await before.write(utf8("still here"));
  assert.equal(await open[1]?.read(new Uint8Array(10)), 10);
  assert.equal(accepted.length, 2);
  // It dials with it too.
  const door = await Door.open([next.key]);
  open.push(await endpoint.dial(door.address, 5_000, a.key));
  await door.until(() => door.accepted.length === 1);
  assert.ok(bytesEqual(door.accepted[0]?.key as PublicKeyBytes, next.key));
  open.forEach((connection) => connection.close());
  listener.close();
  door.close();
});
