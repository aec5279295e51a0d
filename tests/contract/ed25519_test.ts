/** Ed25519 by the vectors of RFC 8032, section 7.1. */

import assert from "node:assert/strict";
import { hex } from "../../src/base/mod.ts";
import { privateKeyPem } from "../../src/keys/mod.ts";
import { ed25519 } from "../../src/platform/mod.ts";

const VECTORS = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
  ],
] as const;

Deno.test("ed25519 publicKey() is that of RFC 8032", () => {
  for (const [seed, publicKey] of VECTORS) {
    assert.equal(hex(ed25519.publicKey(privateKeyPem(Uint8Array.fromHex(seed)))), publicKey);
  }
});
