/** Which names in a Host are this server's. */

import assert from "node:assert/strict";
import { Hosts } from "../../src/api/http/hosts.ts";
import { Harness, latin1Bytes, request, statuses } from "./support.ts";

const CASES: Readonly<Record<string, boolean>> = {
  "localhost": true,
  "LocalHost:3801": true,
  "localhost.": true,
  "localhost.:3801": true,
  "127.0.0.1": true,
  "127.0.0.1:3801": true,
  "203.0.113.9:80": true,
  "[::1]": true,
  "[::1]:3801": true,
  "[2001:DB8::7]:80": true,
  "kv.example.com": true,
  "KV.Example.com:443": true,
  "kv.example.com.": true,
  "host1": true,
  "host1:": true,
  "": false,
  ":80": false,
  ".": false,
  "evil.example": false,
  "evil.example:3801": false,
  "evil.example:3801:3801": false,
  "kv.example.com.evil.example": false,
  "xkv.example.com": false,
  "kv.example.com..": false,
  "localhost.evil.example": false,
  "127.0.0.1.evil.example": false,
  "127.0.0.1.": false,
  "1.2.3": false,
  "2130706433": false,
  "0x7f.0.0.1": false,
  "[::1": false,
  "[evil.example]": false,
  "[]": false,
};

function accepts(hosts: Hosts, host: string): boolean {
  const bytes = latin1Bytes(`Host: ${host}\r\n`);
  return hosts.accepts(bytes, 6, 6 + host.length);
}

Deno.test("Hosts accepts addresses, localhost and the names that it was given", () => {
  const names = ["kv.example.com", "Host1"];
  const found = Object.keys(CASES).map((host) => [host, accepts(new Hosts(names), host)]);
  assert.deepEqual(Object.fromEntries(found), CASES);
});

Deno.test("Hosts says the same whatever it was asked before", () => {
  const hosts = new Hosts(["kv.example.com", "Host1"]);
  for (const [first, expected] of Object.entries(CASES)) {
    for (const [second, then] of Object.entries(CASES)) {
      assert.equal(accepts(hosts, first), expected, first);
      assert.equal(accepts(hosts, second), then, `${second} after ${first}`);
    }
  }
});

Deno.test("serveHttp() has no effect for a foreign Host, and says how to allow it", async () => {
  const harness = await Harness.start();
  const put = request("PUT /v1/storage/key/a", [], "x").replace("Host: n1", "Host: evil.example");
  const answer = await harness.exchange(put + request("GET /livez"));
  assert.deepEqual(statuses(answer), [421]);
  assert.match(answer, /"code":"hostUnknown","effect":"none","retryable":false/);
  assert.match(answer, /http\.hosts in keva\.toml/);
  assert.equal(harness.replica.commands.length, 0);
  await harness.stop();
});
