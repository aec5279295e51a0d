/** Tokens as text and as bytes: one spelling each, nothing of the secret stored. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { limits, Secret } from "../../src/base/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";
import {
  decodeTokenCheck,
  encodeTokenCheck,
  isTokenText,
  newTokenId,
  newTokenText,
  saltedHash,
  type TokenCheck,
  tokenIdOf,
} from "../../src/service/token_text.ts";
import { SeededRandom } from "../support/seeded_random.ts";

const hash = nativeHash();
const random = new SeededRandom(1);

const check: fc.Arbitrary<TokenCheck> = fc.record({
  id: fc.stringMatching(/^[0-9a-f]{12}$/),
  createdAtMs: fc.maxSafeNat(),
  roles: fc.array(fc.stringMatching(/^[a-z][a-z0-9._@-]{0,63}$/), {
    maxLength: limits.rolesPerTokenMax,
  }),
  salt: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
}, { noNullPrototype: true });

Deno.test("decodeTokenCheck() gives back what encodeTokenCheck() was given, within a record", () => {
  fc.assert(fc.property(check, (check) => {
    const bytes = encodeTokenCheck(check);
    assert.ok(bytes.length <= limits.recordBodyBytesMax);
    assert.deepEqual(decodeTokenCheck(bytes), { ok: true, value: check });
    const prefix = bytes.subarray(0, bytes.length - 1);
    assert.equal(decodeTokenCheck(prefix).ok, false);
    assert.equal(decodeTokenCheck(new Uint8Array([...bytes, 0])).ok, false);
  }));
});

Deno.test("decodeTokenCheck() refuses what no encoder writes", () => {
  const sound = { id: "0123456789ab", createdAtMs: 0, roles: ["a"] };
  const hashed = { salt: new Uint8Array(16), hash: new Uint8Array(32) };
  const wrong: Record<string, TokenCheck> = {
    id: { ...sound, ...hashed, id: "nodeoperator" },
    role: { ...sound, ...hashed, roles: ["keva:operator"] },
    "many roles": { ...sound, ...hashed, roles: new Array(17).fill("a") },
    salt: { ...sound, ...hashed, salt: new Uint8Array(15) },
    hash: { ...sound, ...hashed, hash: new Uint8Array(31) },
  };
  assert.ok(decodeTokenCheck(encodeTokenCheck({ ...sound, ...hashed })).ok);
  for (const [what, check] of Object.entries(wrong)) {
    assert.equal(decodeTokenCheck(encodeTokenCheck(check)).ok, false, what);
  }
});

Deno.test("newTokenText() makes a text of 61 characters around the id, another one each time", () => {
  const id = newTokenId(random);
  const texts = Array.from({ length: 100 }, () => newTokenText(id, random).reveal());
  assert.equal(new Set(texts).size, 100);
  for (const text of texts) {
    assert.match(text, /^keva_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
    assert.equal(tokenIdOf(text), id);
  }
});

Deno.test("isTokenText() takes the whole text and nothing else", () => {
  const id = newTokenId(random);
  const token = newTokenText(id, random);
  const salted = saltedHash(token, { random, hash });
  const check = { id, createdAtMs: 0, roles: [], ...salted };
  const text = token.reveal();
  assert.ok(isTokenText(text, check, hash));
  for (let at = 0; at < text.length; at++) {
    const other = text.slice(0, at) + (text[at] === "a" ? "b" : "a") + text.slice(at + 1);
    assert.ok(!isTokenText(other, check, hash), other);
  }
  const again = saltedHash(token, { random, hash });
  assert.notDeepEqual(again.hash, salted.hash, "the salt makes the hash another one");
});

Deno.test("Secret shows itself to nobody who does not ask for it", () => {
  const secret = new Secret("planted");
  const shown = [`${secret}`, JSON.stringify({ secret }), Deno.inspect(secret), String(secret)];
  for (const text of shown) assert.ok(!text.includes("planted"), text);
  assert.equal(secret.reveal(), "planted");
});
