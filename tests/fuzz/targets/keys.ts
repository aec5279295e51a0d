/** The keys of nodes, as files hold them. */

import {
  parseAuthorisedKeys,
  parsePrivateKey,
  parsePublicKey,
  privateKeyPem,
  publicKeyLine,
} from "../../../src/keys/mod.ts";
import { ROOT } from "../../../tools/paths.ts";
import { latin1Bytes } from "../corpus.ts";
import type { Target } from "../target.ts";
import { expect, expectPrintable } from "./check.ts";

const decoder = new TextDecoder();

function line(seed: number, comment: string): string {
  return publicKeyLine({ bytes: new Uint8Array(32).fill(seed), comment });
}

function testdata(name: string): Uint8Array {
  return Deno.readFileSync(`${ROOT}/tests/keys/testdata/${name}`);
}

export const authorisedKeys: Target = {
  name: "authorised-keys",
  smokeCases: 1_000,
  seeds: () => [
    latin1Bytes(`# comment\n${line(1, "host1")}\n\n${line(2, "host2 rack 7")}\r\n`),
    testdata("plain.pub"),
    testdata("ecdsa.pub"),
  ],
  tokens: [
    "ssh-ed25519 ",
    "ssh-rsa ",
    "AAAAC3NzaC1lZDI1NTE5AAAAI",
    "====",
    " host1\n",
    "#",
    "\r\n",
    "\t",
    "\u001b[2J",
    "no-pty ",
  ],
  run(input) {
    const text = decoder.decode(input);
    const parsed = parseAuthorisedKeys(text);
    if (!parsed.ok) {
      expect(parsed.error.length > 0, () => "refused without a reason");
      for (const { reason } of parsed.error) expectPrintable(reason, "a reason");
      return `refused ${parsed.error[0]?.reason.slice(0, 20)}`;
    }
    for (const { node, key } of parsed.value) {
      expect(node !== "" && key.bytes.length === 32, () => "half a key");
      const again = parsePublicKey(publicKeyLine(key));
      expect(again.ok && again.value.comment === key.comment, () => "a line that does not return");
    }
    return `${parsed.value.length} keys`;
  },
};

export const privateKeys: Target = {
  name: "private-keys",
  smokeCases: 1_000,
  seeds: () => [
    latin1Bytes(privateKeyPem(new Uint8Array(32).fill(7))),
    testdata("plain"),
    testdata("passphrase"),
  ],
  tokens: [
    "-----BEGIN PRIVATE KEY-----\n",
    "-----END PRIVATE KEY-----\n",
    "-----BEGIN OPENSSH PRIVATE KEY-----\n",
    "-----END OPENSSH PRIVATE KEY-----\n",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----",
    "MC4CAQAwBQYDK2VwBCIEI",
    "b3BlbnNzaC1rZXktdjEA",
    "AAAABG5vbmU",
    "////",
    "====",
  ],
  run(input) {
    const parsed = parsePrivateKey(decoder.decode(input));
    if (!parsed.ok) {
      expectPrintable(parsed.error, "a reason");
      return parsed.error.slice(0, 24);
    }
    expect(parsed.value.length === 32, () => `a seed of ${parsed.value.length} bytes`);
    const again = parsePrivateKey(privateKeyPem(parsed.value));
    expect(again.ok, () => "a key that does not return");
    return "a key";
  },
};
