/** Mistakes of handlers, and the table of routes. */

import assert from "node:assert/strict";
import { AssertionError, type Log } from "../../src/base/mod.ts";
import type { Request } from "../../src/api/http/request.ts";
import { HttpCounters } from "../../src/api/http/counters.ts";
import { Router } from "../../src/api/http/router.ts";
import { routes } from "../../src/api/mod.ts";
import { operations, Service } from "../../src/service/mod.ts";
import { FakeReplica } from "../support/fake_replica.ts";
import { VirtualClock } from "../support/virtual_clock.ts";
import { latin1Bytes } from "./support.ts";

function broken(error: unknown): { router: Router; lines: string[] } {
  const replica = new FakeReplica();
  const lines: string[] = [];
  const write = (event: string, fields: unknown) =>
    void lines.push(`${event} ${JSON.stringify(fields)}`);
  const log = { debug: write, info: write, warn: write, error: write } as unknown as Log;
  const service = new Service({ replica, clock: new VirtualClock() });
  const fail = (): never => {
    throw error;
  };
  const failing = routes.map((route) => ({
    ...route,
    handle: route.path === "/livez" ? fail : () => Promise.resolve().then(fail),
  }));
  return {
    router: new Router({ routes: failing, service, log, counters: new HttpCounters() }),
    lines,
  };
}

function to(method: string, target: string): Request {
  const body = new Uint8Array();
  return { method, target: latin1Bytes(target), body, header: () => null };
}

Deno.test("Router.handle() answers 500 for a mistake, telling the log and not the client", async () => {
  const { router, lines } = broken(new TypeError("secret"));
  for (
    const [method, path, effect] of [
      ["GET", "/livez", "none"],
      ["GET", "/v1/storage/key/a", "none"],
      ["PUT", "/v1/storage/key/a", "unknown"],
    ] as const
  ) {
    const answer = await router.handle(to(method, path));
    assert.equal(answer.status, 500);
    assert.match(answer.body as string, new RegExp(`"effect":"${effect}"`));
    assert.doesNotMatch(answer.body as string, /secret/);
  }
  assert.equal(lines.length, 3);
  assert.match(lines[0] as string, /secret/);
});

Deno.test("Router.handle() does not hide a broken assertion", async () => {
  const { router } = broken(new AssertionError("planted"));
  assert.throws(() => router.handle(to("GET", "/livez")), AssertionError);
  await assert.rejects(
    async () => await router.handle(to("GET", "/v1/storage/key/a")),
    AssertionError,
  );
});

Deno.test("routes name an operation each, and one that changes things for whatever is not GET", () => {
  for (const { method, path, operation } of routes) {
    const { permission } = operations[operation];
    assert.ok(permission, `${method} ${path}`);
    const changes = permission === "write" || permission === "admin";
    // Who has a token and what he may is for those who hand out tokens and rights.
    const isAdmin = operation === "listTokens" || operation === "listPolicy";
    const isChange = method !== "GET" || isAdmin;
    assert.equal(isChange, changes, `${method} ${path}`);
  }
});
