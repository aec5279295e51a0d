/** TLS for clients: the suite of every Network, and each attack that the listener must stand. */

import assert from "node:assert/strict";
import { connect } from "node:net";
import * as nodeTls from "node:tls";
import {
  type Address,
  type Connection,
  limits,
  NetworkError,
  type TlsCredentials,
  type TlsListener,
  utf8,
} from "../../src/base/mod.ts";
import { tlsNetwork } from "../../src/platform/mod.ts";
import { SocketConnection } from "../../src/platform/socket_connection.ts";
import { mapErrors, TcpConnection } from "../../src/platform/network.ts";
import {
  asVersion1,
  Authority,
  issuedBy,
  LOCAL_NAMES,
  type Pair,
} from "../support/certificates.ts";
import { networkSuite } from "./network_suite.ts";

const LOCAL: Address = { host: "127.0.0.1", port: 0 };
const [ours, theirs] = [await Authority.make("CN=ours"), await Authority.make("CN=theirs")];
const server = await ours.issue({ subject: "CN=server", names: LOCAL_NAMES });
const web = await ours.issue({ subject: "CN=web" });
const anonymous: TlsCredentials = server;
const certified: TlsCredentials = { ...server, clientAuthorities: ours.certificate };

/** As a client that trusts `authority` and shows `pair`. */
async function dial(address: Address, pair?: Pair, authority = ours): Promise<Connection> {
  return await mapErrors(address, async () => {
    const tls = await Deno.connectTls({
      hostname: address.host,
      port: address.port,
      caCerts: [authority.certificate],
      ...pair && { cert: pair.certificate, key: pair.privateKey },
    });
    try {
      await tls.handshake();
      return new TcpConnection(tls);
    } catch (error) {
      tls.close();
      throw error;
    }
  });
}

/** By the TLS of Node, which shows whatever certificate it is given. */
function dialByNode(
  { host, port }: Address,
  more: { readonly pair?: Pair; readonly localAddress?: string },
): Promise<Connection> {
  const { pair, localAddress } = more;
  const socket = nodeTls.connect({
    socket: connect({ host, port, localAddress }),
    servername: "localhost",
    ca: ours.certificate,
    cert: pair?.certificate,
    key: pair?.privateKey,
  });
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("secureConnect", () => resolve(new SocketConnection(socket, { host, port })));
  });
}

networkSuite("tlsNetwork", () => ({
  network: {
    listen: (address, accept) =>
      tlsNetwork.listen(address, {
        credentials: anonymous,
        clientsCertified: false,
        accept,
        refused: () => {},
      }),
    dial: async (address, timeoutMs) => {
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(() => late.reject(new NetworkError("timeout", "late")), timeoutMs);
      try {
        return await Promise.race([dial(address), late.promise]);
      } finally {
        clearTimeout(timer);
      }
    },
  },
  local: LOCAL,
  nowhere: { host: "192.0.2.1", port: 9 }, // TEST-NET-1: routed to nobody
  pass: (promise) => promise,
  halfClose: false,
}));

/** What a listener lets in and turns away. */
class Door {
  readonly accepted: Connection[] = [];
  readonly refused: string[] = [];
  #changed: (() => void) | undefined;
  listener!: TlsListener;

  static async open(credentials: TlsCredentials, clientsCertified: boolean): Promise<Door> {
    const door = new Door();
    door.listener = await tlsNetwork.listen(LOCAL, {
      credentials,
      clientsCertified,
      accept: (connection) => {
        door.accepted.push(connection);
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

  /** What the next one that is let in is known by. */
  async name(): Promise<string | undefined> {
    const seen = this.accepted.length;
    await this.until(() => this.accepted.length > seen);
    return this.accepted.at(-1)?.certified;
  }

  async turnsAway(dialing: Promise<Connection>): Promise<void> {
    const [accepted, refused] = [this.accepted.length, this.refused.length];
    const connection = await dialing.catch(() => undefined);
    await this.until(() => this.refused.length > refused || this.accepted.length > accepted);
    assert.equal(this.accepted.length, accepted);
    connection?.close();
  }

  async letsIn(dialing: Promise<Connection>): Promise<string | undefined> {
    const name = this.name();
    const connection = await dialing;
    const found = await name;
    connection.close();
    return found;
  }

  close(): void {
    this.listener.close();
    for (const connection of this.accepted) connection.close();
  }

  get address(): Address {
    return this.listener.address;
  }
}

type Kind = "anonymous" | "optional" | "required";

function doorTest(kind: Kind, says: string, run: (door: Door) => Promise<void>): void {
  Deno.test(`tlsNetwork with client certificates ${kind} ${says}`, async () => {
    const door = await Door.open(kind === "anonymous" ? anonymous : certified, kind === "required");
    try {
      await run(door);
    } finally {
      door.close();
    }
  });
}

for (const kind of ["optional", "required"] as const) {
  doorTest(kind, "tells by what name the other side is certified", async (door) => {
    assert.equal(await door.letsIn(dial(door.address, web)), "web");
    const delegate = await ours.delegate("CN=branch");
    const { certificate, privateKey } = await delegate.issue({ subject: "CN=there" });
    const pair = { certificate: certificate + delegate.certificate, privateKey };
    assert.equal(await door.letsIn(dial(door.address, pair)), "there");
  });

  doorTest(kind, "knows nobody by a certificate without one clear name", async (door) => {
    for (const subject of ["O=web", "CN=web, CN=admin", "CN=web+CN=admin", "O=a\\nCN=admin"]) {
      const pair = await ours.issue({ subject });
      assert.equal(await door.letsIn(dial(door.address, pair)), "", subject);
    }
  });

  const BAD: readonly [says: string, make: () => Promise<Pair>][] = [
    ["of another authority", () => theirs.issue({ subject: "CN=web" })],
    [
      "of another authority with the name of ours",
      async () => await (await Authority.make("CN=ours")).issue({ subject: "CN=web" }),
    ],
    ["that has expired", () => ours.issue({ subject: "CN=web", days: -1 })],
    ["that one without authority signed", async () => {
      const forged = await issuedBy(web, "CN=web", { subject: "CN=admin" });
      return { ...forged, certificate: forged.certificate + web.certificate };
    }],
    ["that signed itself", () => Authority.make("CN=web")],
  ];
  for (const [says, make] of BAD) {
    doorTest(kind, `turns away a certificate ${says}`, async (door) => {
      await door.turnsAway(dial(door.address, await make()));
    });
  }

  doorTest(kind, "turns away a certificate of version 1", async (door) => {
    const pair = await ours.issue({ subject: "CN=admin" });
    await door.turnsAway(dialByNode(door.address, { pair: asVersion1(pair, ours) }));
  });

  doorTest(kind, "asks for a certificate of the authority that it was given last", async (door) => {
    const other = await theirs.issue({ subject: "CN=server", names: LOCAL_NAMES });
    door.listener.use({ ...other, clientAuthorities: theirs.certificate });
    await door.turnsAway(dial(door.address, web, theirs));
    const pair = await theirs.issue({ subject: "CN=web2" });
    assert.equal(await door.letsIn(dial(door.address, pair, theirs)), "web2");
    const without = dial(door.address, undefined, theirs);
    if (kind === "required") await door.turnsAway(without);
    else assert.equal(await door.letsIn(without), undefined);
  });
}

doorTest(
  "optional",
  "ends what rests on certificates when an authority is withdrawn",
  async (door) => {
    const open = [await dial(door.address, web), await dial(door.address)] as const;
    await door.until(() => door.accepted.length === 2);
    const both = ours.certificate + theirs.certificate;
    door.listener.use({ ...server, clientAuthorities: both });
    door.listener.use({
      ...server,
      clientAuthorities: `\n${ours.certificate}${theirs.certificate}`,
    });
    await Promise.all(open.map((near) => near.write(utf8("x"))));
    for (const far of door.accepted) assert.equal(await far.read(new Uint8Array(8)), 1);
    door.listener.use({ ...server, clientAuthorities: theirs.certificate });
    assert.equal(await open[0].read(new Uint8Array(8)).catch(() => null), null);
    await open[1].write(utf8("still here"));
    const left = door.accepted.find(({ certified }) => certified === undefined);
    assert.equal(await left?.read(new Uint8Array(20)), 10);
    open.forEach((near) => near.close());
  },
);

doorTest("optional", "lets in who shows none, and knows nobody by it", async (door) => {
  assert.equal(await door.letsIn(dial(door.address)), undefined);
});

doorTest("required", "turns away who shows none", async (door) => {
  await door.turnsAway(dial(door.address));
});

doorTest("anonymous", "asks for none, and knows nobody by one", async (door) => {
  assert.equal(await door.letsIn(dial(door.address, web)), undefined);
});

doorTest(
  "anonymous",
  "shows another certificate from then on, and leaves open what is",
  async (door) => {
    const before = await dial(door.address);
    await door.until(() => door.accepted.length === 1);
    door.listener.use(await theirs.issue({ subject: "CN=server", names: LOCAL_NAMES }));
    await assert.rejects(dial(door.address));
    await door.letsIn(dial(door.address, undefined, theirs));
    await before.write(utf8("still here"));
    assert.equal(await door.accepted[0]?.read(new Uint8Array(20)), 10);
    before.close();
  },
);

doorTest("anonymous", "speaks nothing older than TLS 1.3", async (door) => {
  const old = { ...door.address, maxVersion: "TLSv1.2", rejectUnauthorized: false } as const;
  const socket = nodeTls.connect(old, () => assert.fail("it does"));
  socket.on("error", () => {});
  await door.until(() => door.refused.length > 0);
  socket.destroy();
});

doorTest("anonymous", "closes at once when it is spoken to without TLS", async (door) => {
  const plain = await Deno.connect({ hostname: door.address.host, port: door.address.port });
  await plain.write(utf8("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const startedAt = performance.now();
  await door.until(() => door.refused.length > 0);
  assert.ok(performance.now() - startedAt < limits.clientHandshakeTimeoutMs / 2);
  plain.close();
});

doorTest(
  "anonymous",
  "lets in as many at once as one address may have connections",
  async (door) => {
    const count = limits.connectionsPerAddressMax;
    const all = await Promise.all(Array.from({ length: count }, () => dial(door.address)));
    await door.until(() => door.accepted.length === count);
    assert.deepEqual(door.refused, []);
    for (const near of all) near.close();
  },
);

/** The first bytes of a handshake message that announces more than ever comes. */
const BEGUN = Uint8Array.of(0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3);

doorTest(
  "anonymous",
  "keeps few unfinished handshakes of one address, and none for long",
  async (door) => {
    const silent: Deno.TcpConn[] = [];
    const { host: hostname, port } = door.address;
    for (let i = 0; i <= limits.halfOpenClientsPerAddressMax; i++) {
      const tcp = await Deno.connect({ hostname, port });
      silent.push(tcp);
      if (i % 2 === 1) await tcp.write(BEGUN).catch(() => {});
    }
    await door.until(() => door.refused.length > 0);
    assert.equal(door.refused[0], "too many strangers of one address");
    // Another address is served meanwhile.
    await door.letsIn(dialByNode(door.address, { localAddress: "127.0.0.2" }));
    const startedAt = performance.now();
    await door.until(() => door.refused.length === silent.length);
    assert.ok(performance.now() - startedAt < 2 * limits.clientHandshakeTimeoutMs);
    for (const one of silent) one.close();
    await door.letsIn(dial(door.address));
  },
);

Deno.test("tlsNetwork takes many writes, and empty ones", async () => {
  const door = await Door.open(anonymous, false);
  const near = await dial(door.address);
  await door.until(() => door.accepted.length === 1);
  const far = door.accepted[0] as Connection;
  await far.write(new Uint8Array(0));
  await far.write(utf8("x"));
  assert.equal(await near.read(new Uint8Array(8)), 1);
  near.close();
  door.close();
});

Deno.test("tlsNetwork.check() tells until when, or what is wrong", () => {
  const check = (change: Partial<TlsCredentials>) => {
    const checked = tlsNetwork.check({ ...server, ...change });
    return checked.ok ? checked.value.text : checked.error;
  };
  assert.match(check({}), /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.equal(
    check({ privateKey: web.privateKey }),
    "the private key is not that of the certificate",
  );
  const none = "there is no certificate in it, in the form of PEM";
  assert.equal(check({ certificate: "junk" }), none);
  assert.equal(
    check({ privateKey: "junk" }),
    "there is no private key in it, or one under a passphrase",
  );
  assert.equal(check({ clientAuthorities: "" }), `the authority of clients: ${none}`);
  assert.equal(
    check({ clientAuthorities: ours.certificate + web.certificate }),
    "the authority of clients: the certificate of CN=web is not that of an authority",
  );
  assert.equal(
    check({ certificate: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" }),
    "it holds a certificate that is damaged",
  );
  assert.equal(
    check(asVersion1(server, ours)),
    "the certificate is of version 1; it must be of version 3",
  );
});
