/** Keys as text: what OpenSSH and OpenSSL write is read, and what is wrong is said. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { hex } from "../../src/base/mod.ts";
import {
  fingerprint,
  parseAuthorisedKeys,
  parsePrivateKey,
  parsePublicKey,
  privateKeyPem,
  publicKeyLine,
} from "../../src/keys/mod.ts";
import { ed25519, nativeHash } from "../../src/platform/mod.ts";

const OPENSSL_PUBLIC = "433fddee2f69962efe5e3ddebc4726fdac80505c1c2032a20a6b0b20056af830";
const PRINT = "SHA256:oEnJSsro4+BJkctN7tEke8opxEOzdCIh5/uWr4Ny/2Y"; // ssh-keygen -lf plain.pub

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const word = fc.stringMatching(/^[a-z0-9.-]{1,40}$/);

Deno.test("public keys: the line that ssh-keygen writes, and its fingerprint", () => {
  const line = read("plain.pub").trimEnd();
  const key = value(parsePublicKey(line));
  assert.equal(key.comment, "host1 by hand");
  assert.equal(publicKeyLine(key), line);
  assert.equal(fingerprint(nativeHash(), key), PRINT);
});

Deno.test("public keys: a line comes back as it went", () => {
  fc.assert(fc.property(bytes32, word, (bytes, comment) => {
    const key = value(parsePublicKey(publicKeyLine({ bytes, comment })));
    return hex(key.bytes) === hex(bytes) && key.comment === comment;
  }));
});

Deno.test("public keys: what is wrong with a line is said", () => {
  const [type, encoded] = read("plain.pub").split(" ") as [string, string];
  const cases: [string, RegExp][] = [
    ["", /begins with "ssh-ed25519"/],
    ["hello", /begins with "ssh-ed25519"/],
    [read("ecdsa.pub"), /of type ecdsa-sha2-nistp256; only ssh-ed25519/],
    [type, /the key itself is missing/],
    [`${type} ${encoded.slice(0, 40)}`, /cut short or mistyped/],
    [`${type} ${encoded}AAAA`, /cut short or mistyped/],
    [`${type} !!!`, /cut short or mistyped/],
    [`${type} ${encoded} \x1b[2J`, /visible characters/],
    [`no-pty ${type} ${encoded} host1`, /begins with "ssh-ed25519"/],
  ];
  for (const [line, reason] of cases) {
    const parsed = parsePublicKey(line);
    assert.ok(!parsed.ok, line);
    assert.match(parsed.error, reason);
  }
});

Deno.test("authorised keys: one on a line, with its node behind it, among comments", () => {
  const [one, two] = [1, 2].map((seed) => new Uint8Array(32).fill(seed)) as [
    Uint8Array,
    Uint8Array,
  ];
  const text = [
    "# the nodes of Berlin",
    "",
    publicKeyLine({ bytes: one, comment: "host1 rack 7" }),
    `  ${publicKeyLine({ bytes: two, comment: "host1" })}\r`,
  ].join("\n");
  assert.deepEqual(
    value(parseAuthorisedKeys(text)).map(({ node, key, line }) => [node, key.bytes, line]),
    [["host1", one, 3], ["host1", two, 4]],
  );
  assert.deepEqual(value(parseAuthorisedKeys("")), []);
});

Deno.test("authorised keys: each line that is wrong is named", () => {
  const key = (comment: string) => publicKeyLine({ bytes: new Uint8Array(32), comment });
  const parsed = parseAuthorisedKeys([key("host1"), "rubbish", key(""), key("host2")].join("\n"));
  assert.ok(!parsed.ok);
  assert.deepEqual(parsed.error, [
    { line: 2, reason: 'a public key begins with "ssh-ed25519"' },
    { line: 3, reason: "behind the key stands the identity of its node, and there is none" },
    { line: 4, reason: "the key stands on line 1 already, for host1" },
  ]);
});

Deno.test("authorised keys: any text gives keys or reasons", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const parsed = parseAuthorisedKeys(text);
    return parsed.ok || parsed.error.length > 0;
  }));
});

Deno.test("private keys: those of ssh-keygen and openssl are read", () => {
  const own = value(parsePrivateKey(read("plain")));
  const line = publicKeyLine({
    bytes: ed25519.publicKey(privateKeyPem(own)),
    comment: "host1 by hand",
  });
  assert.equal(line, read("plain.pub").trimEnd());
  const other = value(parsePrivateKey(read("openssl.pem")));
  assert.equal(hex(ed25519.publicKey(privateKeyPem(other))), OPENSSL_PUBLIC);
  assert.equal(privateKeyPem(other), read("openssl.pem"));
});

Deno.test("private keys: what is wrong is said, and none of the key with it", () => {
  const plain = read("plain");
  const cases: [string, RegExp][] = [
    ["", /no private key in PEM format/],
    [read("plain.pub"), /no private key in PEM format/],
    [read("passphrase"), /passphrase.*ssh-keygen -p/],
    [read("ecdsa"), /not of type Ed25519|damaged/],
    [read("x25519.pem"), /not of type Ed25519/],
    [plain.replace(/\n\S{4}/, "\n"), /damaged/],
    [read("openssl.pem").replace(/PRIVATE/g, "RSA PRIVATE"), /"RSA PRIVATE KEY"/],
  ];
  for (const [text, reason] of cases) {
    const parsed = parsePrivateKey(text);
    assert.ok(!parsed.ok, text);
    assert.match(parsed.error, reason);
    const secrets = text.match(/[A-Za-z0-9+/]{12,}/g) ?? [];
    assert.ok(secrets.every((secret) => !parsed.error.includes(secret)), parsed.error);
  }
});

Deno.test("private keys: no bytes make the parsers fail in another way", () => {
  const text = read("plain");
  fc.assert(
    fc.property(fc.nat(text.length), fc.nat(8), fc.string(), (at, length, other) => {
      parsePrivateKey(text.slice(0, at) + other + text.slice(at + length));
      parsePublicKey(other);
    }),
    { numRuns: 2_000 },
  );
});

function read(name: string): string {
  return Deno.readTextFileSync(new URL(`testdata/${name}`, import.meta.url));
}

function value<T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T {
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}
