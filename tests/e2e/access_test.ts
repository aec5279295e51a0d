/** What callers may do: refused on every node, changed for all of them at once, read from files. */

import assert from "node:assert/strict";
import { type Cluster, clusterTest, type Node } from "./support/cluster.ts";
import { bytesOf, textOf } from "./support/kv.ts";
import { clientTls, curl, newCertificates, replaceFile, TLS, writePair } from "./support/tls.ts";
import { until } from "./support/wait.ts";

const certificates = await newCertificates("clients");

const AUTHENTICATED = '[access]\nclients = "authenticated"\n';

type Told = { readonly event: string; readonly data: Record<string, unknown> };

/** As the operator on the machine of `node`. */
async function asOperator(cluster: Cluster, node: Node, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await operatorRun(cluster, node, ...args);
  assert.equal(code, 0, stderr);
  return textOf(stdout);
}

function operatorRun(cluster: Cluster, { data, address, userPort }: Node, ...args: string[]) {
  const flags = ["--token-file", `${data}/operator.token`, "--endpoints", `${address}:${userPort}`];
  return cluster.keva([...args, ...flags]);
}

/** A client that shows a token. */
class Caller {
  readonly #cluster: Cluster;
  readonly #headers: Record<string, string>;

  constructor(cluster: Cluster, token: string) {
    this.#cluster = cluster;
    this.#headers = { authorization: `Bearer ${token}` };
  }

  static async create(cluster: Cluster, node: Node, name: string, role: string): Promise<Caller> {
    const created = await asOperator(cluster, node, "token", "create", name, "--role", role);
    return new Caller(cluster, created.trim());
  }

  async on({ client }: Node, method: string, target: string, body?: string): Promise<string> {
    const headers = this.#headers;
    const answer = await client.request(method, target, {
      headers,
      ...body !== undefined && { body: bytesOf(body) },
    });
    const { status } = answer;
    if (status !== 403) return String(status);
    const problem = JSON.parse(textOf(answer.body));
    assert.equal(problem.code, "forbidden");
    return `403 ${problem.permission}`;
  }

  /** Of every node. */
  onAll(method: string, key: string, body?: string): Promise<string[]> {
    const target = `/v1/storage/key/${key}`;
    return Promise.all(this.#cluster.nodes.map((node) => this.on(node, method, target, body)));
  }

  async list({ client }: Node): Promise<string[]> {
    const answer = await client.request("GET", "/v1/storage/keys", { headers: this.#headers });
    return JSON.parse(textOf(answer.body)).items.map(({ key }: { key: string }) => key);
  }

  /** Events as they come, until the node ends the watch. */
  async *watch(node: Node, parameters: string): AsyncGenerator<Told, void, void> {
    const url = `http://${node.address}:${node.userPort}/v1/storage/watch?${parameters}`;
    const response = await fetch(url, { headers: this.#headers });
    assert.equal(response.status, 200);
    let text = "";
    for await (const bytes of response.body!) {
      text += textOf(bytes);
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const [, event = "", data = "{}"] = /^event: (\w+)\n(?:id: .*\n)?data: (.*)$/.exec(block) ??
          [];
        if (event !== "progress") yield { event, data: JSON.parse(data) };
      }
    }
  }
}

async function next(events: AsyncGenerator<Told, void, void>): Promise<string> {
  const { done, value } = await events.next();
  if (done) return "end";
  return [value.event, value.data["key"] ?? value.data["code"]].filter(Boolean).join(" ");
}

function all(answer: string): string[] {
  return [answer, answer, answer];
}

clusterTest("access: rules added on one node hold on all of them, for keys, lists and watches", {
  settings: AUTHENTICATED,
}, async ({ cluster }) => {
  for (const node of cluster.nodes) node.start();
  await cluster.ready();
  const [n1, n2, n3] = cluster.nodes as [Node, Node, Node];
  const ci = await Caller.create(cluster, n1, "ci", "deploy");
  assert.deepEqual(await ci.onAll("PUT", "other", "1"), all("200"));

  await asOperator(cluster, n1, "policy", "add", "p, ci, app/, produce");
  assert.deepEqual(await ci.onAll("PUT", "app/a", "1"), all("200"));
  assert.deepEqual(await ci.onAll("PUT", "other", "2"), all("403 write"));
  assert.deepEqual(await ci.onAll("DELETE", "ap"), all("403 write"));
  assert.deepEqual(await ci.onAll("GET", "app/a"), all("403 read"));
  assert.deepEqual(await ci.onAll("GET", "app/none"), all("403 read"));
  assert.equal(await ci.on(n2, "GET", "/v1/cluster/status"), "403 inspect");
  assert.equal(await ci.on(n3, "GET", "/v1/tokens"), "403 admin");
  assert.deepEqual(await ci.list(n2), []);

  await asOperator(cluster, n2, "policy", "add", "p, role:deploy, app/, consume");
  assert.deepEqual(await ci.onAll("GET", "app/a"), all("200"));
  assert.deepEqual(await ci.onAll("GET", "other"), all("403 read"));
  assert.deepEqual(await ci.list(n3), ["app/a"]);

  // A transaction takes the permission of each step, and of a whole range, or does nothing.
  const transact = (node: Node, ...then: unknown[]) =>
    ci.on(node, "POST", "/v1/storage/txn", JSON.stringify({ then }));
  const put = (key: string) => ({ op: "put", key, value: "1" });
  assert.equal(await transact(n1, put("app/c"), { op: "get", key: "app/a" }), "200");
  assert.equal(await transact(n2, put("app/d"), put("other")), "403 write");
  assert.equal(await transact(n3, { op: "delete-range", prefix: "" }), "403 write");
  assert.deepEqual(await ci.list(n2), ["app/a", "app/c"]);
  assert.equal(await transact(n3, { op: "delete-range", prefix: "app/c" }), "200");

  const watch = ci.watch(n3, "initial=true");
  assert.deepEqual([await next(watch), await next(watch)], ["put app/a", "synced"]);
  await asOperator(cluster, n1, "put", "other", "3");
  assert.equal(await ci.on(n1, "PUT", "/v1/storage/key/app/b", "1"), "200");
  assert.equal(await next(watch), "put app/b", "and not the other one before it");
  // What he may see becomes less while he watches: he begins anew with what is left.
  await asOperator(cluster, n1, "policy", "add", "p, ci, app/b, watch, deny");
  assert.deepEqual([await next(watch), await next(watch), await next(watch)], [
    "reset",
    "put app/a",
    "synced",
  ]);

  assert.match(
    await asOperator(cluster, n3, "policy", "test", "ci", "read", "app/b"),
    /^allowed: p, role:deploy, app\/, consume \(cluster\)\n$/,
  );
  const denied = await operatorRun(cluster, n3, "policy", "test", "ci", "watch", "app/b");
  assert.equal(denied.code, 1);
  assert.match(denied.stderr, /refused: p, ci, app\/b, watch, deny \(cluster\)/);

  // Each node has the rules from its own disk before it answers anything.
  for (const node of cluster.nodes) await node.stop();
  assert.equal(await next(watch), "end");
  for (const node of cluster.nodes) node.start();
  await cluster.ready();
  assert.deepEqual(await ci.onAll("PUT", "other", "4"), all("403 write"));
  assert.deepEqual(await ci.onAll("PUT", "app/a", "4"), all("200"));

  await asOperator(cluster, n2, "policy", "remove", "p, ci, app/, produce");
  assert.deepEqual(await ci.onAll("PUT", "app/a", "5"), all("403 write"));
  assert.match(cluster.logs(), /policy rule added.*p, ci, app\/, produce.*operator of n1/);
  assert.match(cluster.logs(), /policy rule removed.*p, ci, app\/, produce.*operator of n2/);
});

clusterTest("access: curl with a certificate, with a token, and what each may do", {
  settings: `${TLS}${AUTHENTICATED}policy = "policy.csv"\n`,
  tls: clientTls(certificates, [certificates.ca]),
}, async ({ cluster }) => {
  const { ca, server, web } = certificates;
  writePair(cluster, "server", server);
  writePair(cluster, "web", web);
  // Of a name that is called as a role is: it has nothing of the role.
  writePair(cluster, "deploy", await ca.issue({ subject: "CN=deploy" }));
  replaceFile(`${cluster.directory}/ca.pem`, ca.certificate);
  const rules = ["p, web, app/, read", "p, web, *, admin", "p, role:deploy, app/, write"];
  replaceFile(`${cluster.directory}/policy.csv`, rules.join("\n"));
  await cluster.start();
  const [n1, n2, n3] = cluster.nodes as [Node, Node, Node];
  const by = (name: string) => ["--cert", `${name}.pem`, "--key", `${name}.key`];
  const put = ["-X", "PUT", "-d", "1"];

  const body = ["-H", "Content-Type: application/json", "-d", '{"name":"ci","roles":["deploy"]}'];
  const made = await curl(cluster, n1, "/v1/tokens", [...by("web"), ...body]);
  assert.equal(made.status, 200, made.body + made.error);
  const bearer = (text: string) => ["-H", `Authorization: Bearer ${text}`];
  const { token } = JSON.parse(made.body) as { token: string };

  const statusOf = async (node: Node, key: string, args: string[]) => {
    const { status, body } = await curl(cluster, node, `/v1/storage/key/${key}`, args);
    return status === 403 ? `403 ${JSON.parse(body).permission}` : String(status);
  };
  assert.equal(await statusOf(n2, "app/a", [...bearer(token), ...put]), "200");
  assert.equal(await statusOf(n2, "b", [...bearer(token), ...put]), "403 write");
  assert.equal(await statusOf(n3, "app/a", bearer(token)), "403 read");
  assert.equal(await statusOf(n3, "app/a", bearer(`${token.slice(0, -2)}xx`)), "401");
  assert.equal(await statusOf(n3, "app/a", by("web")), "200");
  assert.equal(await statusOf(n1, "app/a", [...by("web"), ...put]), "403 write");
  assert.equal(await statusOf(n1, "app/a", [...by("deploy"), ...put]), "403 write");
  assert.equal(await statusOf(n1, "app/a", []), "401");
});

clusterTest("access: a watch ends when its token is revoked, on whichever node", {
  settings: AUTHENTICATED,
}, async ({ cluster }) => {
  for (const node of cluster.nodes) node.start();
  await cluster.ready();
  const [n1, n2] = cluster.nodes as [Node, Node];
  const [ci, other] = [
    await Caller.create(cluster, n1, "ci", "deploy"),
    await Caller.create(cluster, n1, "other", "deploy"),
  ];
  const watches = cluster.nodes.map((node) => ci.watch(node, "initial=true"));
  const spared = other.watch(n2, "initial=true");
  for (const watch of [...watches, spared]) assert.equal(await next(watch), "synced");
  await asOperator(cluster, n1, "token", "revoke", "ci");
  await asOperator(cluster, n1, "put", "secret", "1");
  for (const watch of watches) {
    assert.equal(await next(watch), "closed unauthenticated");
    assert.equal(await next(watch), "end");
  }
  assert.equal(await next(spared), "put secret");
  await spared.return();
  assert.deepEqual(await ci.onAll("GET", "secret"), all("401"));
});

clusterTest(
  "access: rules of a file are in force at once, and one with a mistake changes nothing",
  {
    settings: `${AUTHENTICATED}policy = "policy.csv"\n`,
  },
  async ({ cluster }) => {
    const file = `${cluster.directory}/policy.csv`;
    const write = (text: string) => {
      Deno.writeTextFileSync(`${file}.next`, text);
      Deno.renameSync(`${file}.next`, file);
    };
    write("p, ci, app/, writ\n");
    const [n1, n2, n3] = cluster.nodes as [Node, Node, Node];
    const refused = n1.start();
    assert.equal((await refused.end()).code, 1);
    assert.match(refused.text, /policy\.csv:1: "writ" is no action/);

    write("# who may do what\np, role:deploy, app/, write\n");
    for (const node of cluster.nodes) node.start();
    await cluster.ready();
    const ci = await Caller.create(cluster, n1, "ci", "deploy");
    assert.deepEqual(await ci.onAll("PUT", "app/a", "1"), all("200"));
    assert.deepEqual(await ci.onAll("PUT", "b", "1"), all("403 write"));

    write("p, role:deploy, b, write\n");
    await until(
      "all to allow it",
      async () => (await ci.onAll("PUT", "b", "1")).every((answer) => answer === "200"),
    );
    assert.deepEqual(await ci.onAll("PUT", "app/a", "1"), all("403 write"));

    write("p, role:deploy, b, write\np, ci, app/*, write\n");
    await until(
      "all to complain",
      () => cluster.nodes.every((node) => node.running.text.includes("policy not reloaded")),
    );
    assert.deepEqual(await ci.onAll("PUT", "b", "2"), all("200"));
    const listed = await operatorRun(cluster, n2, "policy", "list");
    assert.equal(listed.code, 1);
    assert.match(textOf(listed.stdout), /p, role:deploy, b, write +policy\.csv:1/);
    assert.match(
      listed.stderr,
      /n2 goes on by what its files said before: policy\.csv:2: a prefix/,
    );

    write("p, role:deploy, b, write\n");
    n3.running.signal("SIGHUP");
    await until(
      "it to be right again",
      async () => (await operatorRun(cluster, n3, "policy", "list")).code === 0,
    );
  },
);
