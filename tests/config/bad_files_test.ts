/** Wrong configurations, each with the exact text that the operator gets to see. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { loadConfig, problemText } from "../../src/config/mod.ts";

function problems(text: string, env: Record<string, string> = {}, set: string[] = []): string[] {
  const loaded = loadConfig({ file: { path: "keva.toml", text }, env, set });
  return loaded.ok ? [] : loaded.error.map(problemText);
}

function node(lines: Record<string, string> = {}): string {
  const all = {
    identity: '"a"',
    address: '"127.0.0.1"',
    keva_port: '"3811"',
    user_port: '"3801"',
    ...lines,
  };
  return "[[node]]\n" +
    Object.entries(all).filter(([, value]) => value !== "").map((pair) => pair.join(" = ") + "\n")
      .join("");
}

const PORT = "a port number from 1 to 65535";
const NAME = "1 to 64 visible ASCII characters without spaces";
const HOST = "a host name or an IP address without a port";

const BAD_FILES: Record<string, [file: string, ...problems: string[]]> = {
  "no TOML": ["a =\n", "keva.toml:1:4: not valid TOML: invalid value"],
  "an open string": [
    '[[node]]\nidentity = "a\n',
    "keva.toml:2:14: not valid TOML: control characters are not allowed in strings",
  ],
  "a key twice": [
    "insecure = true\ninsecure = true\n",
    "keva.toml:2:1: not valid TOML: trying to redefine an already defined table or value",
  ],
  "a number that would be rounded": [
    "insecure = 9007199254740993",
    "keva.toml:1:12: not valid TOML: integer value cannot be represented losslessly",
  ],
  "an empty file": ["", "keva.toml:1: node is missing; it must be one or more [[node]] tables"],
  "node is no table": [
    "node = 3",
    "keva.toml:1: node must be one or more [[node]] tables, not 3",
  ],
  "node is one table": [
    '\n[node]\nidentity = "a"',
    "keva.toml:2: node must be one or more [[node]] tables, not a table",
  ],
  "a table is no table": [`limits = 4\n${node()}`, "keva.toml:1: limits must be a table"],
  "a certificate without its key": [
    `${node()}[tls]\ncertificate = "server.pem"\n`,
    "keva.toml:7: tls.certificate has no effect without tls.private_key, which is missing",
  ],
  "a private key without a certificate": [
    `${node()}[tls]\nprivate_key = "server.key"\n`,
    "keva.toml:7: tls.private_key has no effect without tls.certificate, which is missing",
  ],
  "authorities of clients without TLS": [
    `${node()}[tls]\nclient_ca = "ca.pem"\n`,
    "keva.toml:7: tls.client_ca has no effect without tls.certificate, which is missing",
  ],
  "certificates of clients that nobody can have": [
    `${node()}[tls]\ncertificate = "a"\nprivate_key = "b"\nclient_certificates = "required"\n`,
    "keva.toml:9: tls.client_certificates has no effect without tls.client_ca, which is missing",
  ],
  "certificates of clients neither here nor there": [
    `${node()}[tls]\nclient_certificates = "always"\n`,
    'keva.toml:7: tls.client_certificates must be one of "optional", "required", not "always"',
  ],
  "an unknown table": [
    `${node()}[storag]\nsegment_bytes = 1`,
    'keva.toml:6: unknown key storag; did you mean "storage"?',
  ],
  "an unknown key of a node": [
    node({ wait_tim: "1" }),
    'keva.toml:6: unknown key node.wait_tim; did you mean "wait_time"?',
  ],
  "an unknown key that is like no other": [
    `${node()}[log]\nxylophone = 1`,
    "keva.toml:7: unknown key log.xylophone; known here: level, format",
  ],
  "a key named __proto__": [
    `__proto__ = 1\n${node()}`,
    "keva.toml:1: unknown key __proto__; known here: insecure, node, cluster, http, keys, tls, access, timing, " +
    "storage, limits, log",
  ],
  "no identity": [
    node({ identity: "" }),
    `keva.toml:1: node.identity is missing; it must be ${NAME}`,
  ],
  "a space in an identity": [
    node({ identity: '"host 1"' }),
    `keva.toml:2: node.identity must be ${NAME}, not "host 1"`,
  ],
  "an escape sequence in an identity": [
    node({ identity: '"\\u001b[2J"' }),
    `keva.toml:2: node.identity must be ${NAME}, not "\\u{1b}[2J"`,
  ],
  "an identity that is a number": [
    node({ identity: "1" }),
    `keva.toml:2: node.identity must be ${NAME}, not 1`,
  ],
  "an address with a port": [
    node({ address: '"127.0.0.1:380"' }),
    `keva.toml:3: node.address must be ${HOST}, not "127.0.0.1:380"`,
  ],
  "a mistyped IP address": [
    node({ address: '"127.0.0.256"' }),
    `keva.toml:3: node.address must be ${HOST}, not "127.0.0.256"`,
  ],
  "port 0": [node({ keva_port: "0" }), `keva.toml:4: node.keva_port must be ${PORT}, not 0`],
  "port 65536": [
    node({ user_port: '"65536"' }),
    `keva.toml:5: node.user_port must be ${PORT}, not 65536`,
  ],
  "a port that is a word": [
    node({ user_port: '"http"' }),
    `keva.toml:5: node.user_port must be ${PORT}, not "http"`,
  ],
  "a port with a fraction": [
    node({ user_port: "80.5" }),
    `keva.toml:5: node.user_port must be ${PORT}, not 80.5`,
  ],
  "a port in hexadecimal text": [
    node({ user_port: '"0x50"' }),
    `keva.toml:5: node.user_port must be ${PORT}, not "0x50"`,
  ],
  "a date for a time": [
    node({ wait_time: "2024-01-01" }),
    "keva.toml:6: node.wait_time must be a number of seconds from 0.1 to 60, not a date",
  ],
  "a time with a unit": [
    node({ wait_time: '"500ms"' }),
    'keva.toml:6: node.wait_time must be a number of seconds from 0.1 to 60, not "500ms"',
  ],
  "a time just out of bounds": [
    node({ wait_time: "0.099" }),
    "keva.toml:6: node.wait_time must be a number of seconds from 0.1 to 60, not 0.099",
  ],
  "a name with a port": [
    `${node()}[http]\nhosts = ["kv.example.com:80"]`,
    'keva.toml:7: http.hosts must be host names without ports, not "kv.example.com:80"',
  ],
  "a size with a unit": [
    `${node()}[limits]\nvalue_bytes_max = "1 MiB"`,
    "keva.toml:7: limits.value_bytes_max must be a whole number of bytes from 1 to 8388608, " +
    'not "1 MiB"',
  ],
  "a level that is none": [
    `${node()}[log]\nlevel = "loud"`,
    'keva.toml:7: log.level must be one of "debug", "info", "warn", "error", not "loud"',
  ],
  "an inline table": [
    `log = { format = "text", level = "loud" }\n${node()}`,
    'keva.toml:1: log.level must be one of "debug", "info", "warn", "error", not "loud"',
  ],
  "two nodes with one identity": [
    node() + node({ keva_port: "1", user_port: "2" }),
    'keva.toml:7: node.identity "a" is taken: see keva.toml:2',
  ],
  "two nodes on one port": [
    node() + node({ identity: '"b"', user_port: "2" }),
    "keva.toml:9: node.keva_port 127.0.0.1:3811 is taken: see keva_port in keva.toml:4",
  ],
  "both ports of a node the same": [
    node({ user_port: "3811" }),
    "keva.toml:5: node.user_port 127.0.0.1:3811 is taken: see keva_port in keva.toml:4",
  ],
  "heartbeats too far apart": [
    `${node({ wait_time: "0.3" })}[timing]\nheartbeat_ms = 101`,
    "keva.toml:8: timing.heartbeat_ms must be at most 100 milliseconds, a third of the shortest " +
    "wait_time, not 101",
  ],
  "several things at once": [
    `${node({ keva_port: "0" })}[log]\nlevel = 3\ncolour = true`,
    `keva.toml:4: node.keva_port must be ${PORT}, not 0`,
    'keva.toml:7: log.level must be one of "debug", "info", "warn", "error", not 3',
    "keva.toml:8: unknown key log.colour; known here: level, format",
  ],
};

for (const [name, [file, ...expected]] of Object.entries(BAD_FILES)) {
  Deno.test(`loadConfig() refuses ${name}`, () => {
    assert.deepEqual(problems(file), expected);
  });
}

Deno.test("loadConfig() names the variable or the flag that is wrong", () => {
  assert.deepEqual(problems(node(), { KEVA_INSECURE: "yes" }), [
    'KEVA_INSECURE: insecure must be true or false, not "yes"',
  ]);
  assert.deepEqual(problems(node(), {}, ["log.format=xml"]), [
    '--set log.format: log.format must be one of "text", "json", not "xml"',
  ]);
  assert.deepEqual(problems(node(), {}, ["log.levle=info", "insecure", "=1"]), [
    '--set log.levle=info: unknown setting "log.levle"; did you mean "log.level"?',
    "--set insecure: must be name=value, as in log.level=debug",
    "--set =1: must be name=value, as in log.level=debug",
  ]);
});

Deno.test("loadConfig() never throws, whatever the file holds", () => {
  const line = fc.oneof(
    fc.constantFrom("[[node]]", "[node]", "[log]", "[limits]", "node = []", "node.a.b = {x = 1}"),
    fc.tuple(
      fc.constantFrom(
        "identity",
        "address",
        "keva_port",
        "wait_time",
        "level",
        "insecure",
        '"\\u0000"',
      ),
      fc.constantFrom(
        '"a"',
        "1",
        "[1, [2]]",
        "{ a = { b = 1 } }",
        "1.5e9",
        "nan",
        "1979-05-27",
        "'''",
      ),
    ).map((pair) => pair.join(" = ")),
    fc.string(),
  );
  fc.assert(fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
    problems(lines.join("\n"));
  }));
});
