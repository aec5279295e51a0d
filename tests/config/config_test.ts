import assert from "node:assert/strict";
import {
  type Config,
  isKeyed,
  isLoopback,
  loadConfig,
  type LoadedConfig,
  nodeConfig,
  originText,
  problemText,
  settings,
  trustWarnings,
} from "../../src/config/mod.ts";

/** The file of the first Keva, as its users have it: every value is text. */
const FIRST_KEVA = `
[[node]]
identity = "host1"
address = "localhost"
keva_port = "3811"
user_port = "380"
wait_time = "0.5"

[[node]]
identity = "host2"
address = "localhost"
keva_port = "3812"
user_port = "381"
wait_time = "2"
`;

const ONE = `[[node]]\nidentity = "a"\naddress = "127.0.0.1"\nkeva_port = 1\nuser_port = 2\n`;

type Given = { env?: Record<string, string>; set?: string[] };

function load(text: string, given: Given = {}): LoadedConfig {
  const file = { path: "keva.toml", text };
  const loaded = loadConfig({ file, env: given.env ?? {}, set: given.set ?? [] });
  if (!loaded.ok) assert.fail(loaded.error.map(problemText).join("\n"));
  return loaded.value;
}

function choose(loaded: LoadedConfig, identity: string): Config {
  const config = nodeConfig(loaded, { identity });
  if (!config.ok) assert.fail(problemText(config.error));
  return config.value;
}

Deno.test("loadConfig() takes the first Keva's file unchanged", () => {
  const config = choose(load(FIRST_KEVA), "host2");
  assert.deepEqual(config.self, {
    identity: "host2",
    address: "localhost",
    peerPort: 3812,
    userPort: 381,
    electionTimeoutMs: 2000,
    publicKeys: [],
  });
  assert.deepEqual(config.nodes.map((node) => node.electionTimeoutMs), [500, 2000]);
  assert.equal(config.workingDirectory, "./keva-data/host2");
});

Deno.test("loadConfig() takes numbers as well as text", () => {
  const asNumbers = FIRST_KEVA.replaceAll(/"(\d[\d.]*)"/g, "$1");
  assert.ok(asNumbers.includes("wait_time = 0.5"));
  assert.deepEqual(load(asNumbers).config, load(FIRST_KEVA).config);
});

Deno.test("loadConfig() fills in every default", () => {
  assert.deepEqual(load(ONE).config, {
    cluster: { name: "keva" },
    nodes: [
      {
        identity: "a",
        address: "127.0.0.1",
        peerPort: 1,
        userPort: 2,
        electionTimeoutMs: 1000,
        publicKeys: [],
      },
    ],
    insecure: false,
    http: { hosts: [] },
    keys: {},
    access: { clients: "open", policy: [] },
    timing: { heartbeatIntervalMs: 100 },
    storage: { segmentBytes: 67108864, snapshotBytes: 67108864, snapshotEntries: 100000 },
    limits: {
      valueBytesMax: 1048576,
      connectionsMax: 1024,
      connectionsPerAddressMax: 256,
      requestTimeoutMs: 5000,
    },
    log: { level: "info", format: "text" },
  });
});

Deno.test("loadConfig() derives the heartbeat from the least patient node", () => {
  assert.equal(load(FIRST_KEVA).config.timing.heartbeatIntervalMs, 50);
});

Deno.test("loadConfig() lets flags win over variables, over the file, over defaults", () => {
  const file = `${ONE}[log]\nlevel = "warn"\n`;
  const env = { KEVA_LOG_LEVEL: "error" };
  const set = ["log.level=debug"];
  const level = (given: Given, text: string) => {
    const loaded = load(text, given);
    return [loaded.config.log.level, originText(loaded.origin(["log", "level"]))];
  };
  assert.deepEqual(level({}, ONE), ["info", "default"]);
  assert.deepEqual(level({}, file), ["warn", "keva.toml:7"]);
  assert.deepEqual(level({ env }, file), ["error", "KEVA_LOG_LEVEL"]);
  assert.deepEqual(level({ env, set }, file), ["debug", "--set log.level"]);
});

Deno.test("loadConfig() gives a value that nobody can change", () => {
  const config = choose(load(ONE), "a");
  const frozen = (value: unknown): boolean =>
    typeof value !== "object" || value === null ||
    Object.isFrozen(value) && Object.values(value).every(frozen);
  assert.ok(frozen(config));
});

Deno.test("loadConfig() warns of a mistyped variable but not of those that Kubernetes sets", () => {
  const env = { KEVA_LOG_LEVELS: "debug", KEVA_SERVICE_HOST: "10.0.0.1", KEVA_PORT_380_TCP: "x" };
  assert.deepEqual(load(ONE, { env }).warnings, [
    'unknown variable KEVA_LOG_LEVELS; did you mean "KEVA_LOG_LEVEL"?',
  ]);
});

for (const { name, path, allowed } of settings()) {
  const bounds = /^(\d+) to (\d+)(?:,|$)/.exec(allowed);
  if (bounds === null) continue;
  // With this patience every heartbeat up to its bound is allowed.
  const patient = `${ONE}wait_time = 60\n`;
  Deno.test(`loadConfig() accepts ${name} at its bounds and nothing beyond`, () => {
    for (const bound of bounds.slice(1, 3)) {
      assert.equal(load(patient, { set: [`${name}=${bound}`] }).value(path), Number(bound));
    }
    for (const beyond of [Number(bounds[1]) - 1, Number(bounds[2]) + 1]) {
      const file = { path: "keva.toml", text: patient };
      assert.ok(!loadConfig({ file, env: {}, set: [`${name}=${beyond}`] }).ok, `${beyond}`);
    }
  });
}

Deno.test("loadConfig() accepts wait_time at its bounds and nothing beyond", () => {
  for (const [seconds, ms] of [["0.1", 100], ["60", 60_000], ["0.1004", 100]] as const) {
    assert.equal(load(`${ONE}wait_time = ${seconds}`).config.nodes[0]?.electionTimeoutMs, ms);
  }
  for (const seconds of ["0.0999", "60.001", "-1", "inf", "nan"]) {
    const file = { path: "keva.toml", text: `${ONE}wait_time = ${seconds}` };
    assert.ok(!loadConfig({ file, env: {}, set: [] }).ok, seconds);
  }
});

Deno.test("nodeConfig() turns any identity into one directory name", () => {
  const directory = (identity: string) =>
    choose(load(ONE.replace('"a"', `'${identity}'`)), identity).workingDirectory;
  assert.equal(directory("host.example-1"), "./keva-data/host.example-1");
  assert.equal(directory("../x"), "./keva-data/..%2Fx");
  assert.equal(directory(".."), "./keva-data/%2E%2E");
});

Deno.test("nodeConfig() lists the identities when the chosen one is not among them", () => {
  const config = nodeConfig(load(FIRST_KEVA), { identity: "host9" });
  assert.ok(!config.ok);
  assert.equal(
    problemText(config.error),
    'keva.toml: no [[node]] has the identity "host9"; choose one of these with --node-identity: ' +
      "host1, host2",
  );
});

Deno.test("nodeConfig() starts where others can reach it only with keys and authenticated clients", () => {
  const addressed = (text: string) => text.replace("127.0.0.1", "10.0.0.1");
  const refusal = (text: string) => {
    const config = nodeConfig(load(addressed(text)), { identity: "a" });
    assert.ok(!config.ok);
    assert.match(config.error.where, /^keva\.toml:\d+$/);
    return config.error.message;
  };
  const start = "a would listen on 10.0.0.1, where everybody who reaches ";
  const end =
    ", use a loopback address, or accept it by setting insecure = true at the top of the file";
  assert.equal(
    refusal(ONE),
    `${start}10.0.0.1:2 or port 1 could read and change everything; give the nodes keys (keva ` +
      `keygen) and set access.clients = "authenticated"${end}`,
  );
  assert.equal(
    refusal(`${ONE}${AUTHENTICATED}`),
    `${start}10.0.0.1:1 could read and change everything; give the nodes keys (keva keygen)${end}`,
  );
  assert.equal(
    refusal(KEYED),
    `${start}10.0.0.1:2 could read and change everything; set access.clients = "authenticated"${end}`,
  );
  for (const address of ["0.0.0.0", "::", "host1"]) {
    const open = ONE.replace("127.0.0.1", address);
    assert.ok(!nodeConfig(load(open), { identity: "a" }).ok, address);
  }
  assert.equal(choose(load(addressed(`${KEYED}${AUTHENTICATED}`)), "a").insecure, false);
  const accepted = choose(load(`insecure = true\n${addressed(ONE)}`), "a");
  assert.deepEqual(trustWarnings(accepted), [
    "insecure = true: everybody who reaches 10.0.0.1:2 or port 1 can read and change everything",
  ]);
});

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEM/3e4vaZYu/l493rxHJv2sgFBcHCAyogpqCyAFavgw";
const OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB/7hHiU9F8QGq8oDAaS9qTcJcFIRfZIBGsy8r+tJax4";

const KEYED = `${ONE}public_key = "${KEY}"\n`;
const AUTHENTICATED = `[access]\nclients = "authenticated"\n`;

Deno.test("loadConfig() takes a public key of a node, or several", () => {
  const keys = (value: string) => load(`${ONE}public_key = ${value}\n`).config;
  assert.equal(keys(`"${KEY} host1"`).nodes[0]?.publicKeys[0]?.comment, "host1");
  assert.equal(keys(`["${KEY} old", "${OTHER}"]`).nodes[0]?.publicKeys.length, 2);
  assert.ok(isKeyed(keys(`"${KEY}"`)));
  assert.ok(isKeyed(load(`${ONE}[keys]\nauthorized_keys = "/etc/keva/keys"\n`).config));
  assert.ok(!isKeyed(load(`${ONE}[keys]\nprivate_key = "/etc/keva/node.key"\n`).config));
});

Deno.test("loadConfig() says which public key is none, and which has been there before", () => {
  const problems = (text: string) => {
    const loaded = loadConfig({ file: { path: "keva.toml", text }, env: {}, set: [] });
    return loaded.ok ? [] : loaded.error.map(problemText);
  };
  assert.deepEqual(problems(`${ONE}public_key = [\n  "${KEY}",\n  "ssh-rsa AAAA",\n]\n`), [
    "keva.toml:8: node.public_key is no public key of a node: the key is of type ssh-rsa; only " +
    "ssh-ed25519 is supported",
  ]);
  const other = ONE.replace('"a"', '"b"').replace("= 1", "= 3").replace("= 2", "= 4");
  const twice = `${ONE}public_key = "${KEY} a"\n${other}public_key = "${KEY} b"\n`;
  assert.deepEqual(problems(twice), [
    "keva.toml:12: node.public_key is taken: see keva.toml:6",
  ]);
  assert.deepEqual(problems(`${ONE}public_key = 7\n`), [
    'keva.toml:6: node.public_key must be a public key as "keva keygen" prints it, or a list of ' +
    "them, not 7",
  ]);
});

Deno.test("trustWarnings() says whom the node believes without proof", () => {
  const warnings = (text: string) => trustWarnings(choose(load(text), "a"));
  const local = "are not authenticated; only this machine can reach them";
  assert.deepEqual(warnings(ONE), [`links between nodes and clients ${local}`]);
  assert.deepEqual(warnings(KEYED), [`clients ${local}`]);
  assert.deepEqual(warnings(`${ONE}${AUTHENTICATED}`), [`links between nodes ${local}`]);
  assert.deepEqual(warnings(`${KEYED}${AUTHENTICATED}`), []);
  const open = `insecure = true\n${KEYED.replace("127.0.0.1", "10.0.0.1")}`;
  assert.deepEqual(warnings(open), [
    "insecure = true: everybody who reaches 10.0.0.1:2 can read and change everything",
  ]);
  assert.deepEqual(warnings(`${open}${AUTHENTICATED}`), [
    "clients send their tokens to 10.0.0.1:2 in clear: whoever can listen on the way can use them",
  ]);
});

Deno.test("trustWarnings() and nodeConfig() take TLS for what it is", () => {
  const tls = '[tls]\ncertificate = "a.pem"\nprivate_key = "a.key"\n';
  const required = `${tls}client_ca = "ca.pem"\nclient_certificates = "required"\n`;
  const outside = KEYED.replace("127.0.0.1", "10.0.0.1");
  const warnings = (text: string) => {
    const chosen = nodeConfig(load(text), { identity: "a" });
    return chosen.ok ? trustWarnings(chosen.value) : null;
  };
  assert.deepEqual(warnings(`${outside}${AUTHENTICATED}${tls}`), []);
  assert.deepEqual(warnings(`${outside}${required}`), []);
  assert.deepEqual(warnings(`${KEYED}${required}`), []);
  // Nobody has to prove anything.
  assert.equal(warnings(`${outside}${tls}`), null);
  assert.equal(warnings(`${outside}${tls}client_ca = "ca.pem"\n`), null);
});

Deno.test("loadConfig() takes TLS from file, environment and flags", () => {
  const files = { certificate: "a.pem", privateKey: "a.key" };
  assert.equal(load(ONE).config.tls, undefined);
  assert.deepEqual(
    load(`${ONE}[tls]\ncertificate = "a.pem"\n`, { set: ["tls.private_key=a.key"] }).config.tls,
    { ...files, clientCertificates: "optional" },
  );
  const env = {
    KEVA_TLS_CERTIFICATE: "a.pem",
    KEVA_TLS_PRIVATE_KEY: "a.key",
    KEVA_TLS_CLIENT_CA: "ca.pem",
    KEVA_TLS_CLIENT_CERTIFICATES: "required",
  };
  assert.deepEqual(
    load(ONE, { env }).config.tls,
    { ...files, clientCa: "ca.pem", clientCertificates: "required" },
  );
});

Deno.test("isLoopback() trusts only what can never leave this machine", () => {
  const inside = ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST", "node1.localhost"];
  const outside = ["128.0.0.1", "127.evil.com", "0.0.0.0", "::", "host1", "::ffff:10.0.0.1"];
  for (const host of inside) assert.ok(isLoopback(host), host);
  for (const host of outside) assert.ok(!isLoopback(host), host);
});

Deno.test("loadConfig() takes names of the nodes as a list, or as text separated by commas", () => {
  const names = ["kv.example.com", "kv"];
  const hosts = (text: string, given: Given = {}) => load(text, given).config.http.hosts;
  assert.deepEqual(hosts(`${ONE}[http]\nhosts = ["kv.example.com", "kv"]\n`), names);
  assert.deepEqual(hosts(ONE, { env: { KEVA_HTTP_HOSTS: "kv.example.com, kv" } }), names);
  assert.deepEqual(hosts(ONE, { set: ["http.hosts="] }), []);
});
