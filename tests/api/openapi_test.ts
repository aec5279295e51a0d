/**
 * The OpenAPI document: valid by somebody else's judgement, complete, and true. A client made of
 * nothing but the document calls every operation, and each answer must be as it says.
 */

import assert from "node:assert/strict";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { routes } from "../../src/api/mod.ts";
import { errorTable } from "../../src/service/mod.ts";
import { Harness, request } from "./support.ts";

type Parameter = {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description: string;
  readonly schema: object;
  readonly example: unknown;
};
type Content = Readonly<Record<string, { readonly schema: object; readonly example?: unknown }>>;
type Operation = {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Content }>
  >;
};
type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
};

type Answer = { readonly status: number; readonly type: string; readonly body: string };

async function served(harness: Harness): Promise<Document> {
  const { status, type, body } = await ask(harness, "GET", "/openapi.json");
  assert.deepEqual([status, type], [200, "application/json"]);
  return JSON.parse(body);
}

async function ask(
  harness: Harness,
  method: string,
  target: string,
  headers: readonly string[] = [],
  body?: string,
): Promise<Answer> {
  const client = await harness.connect();
  const all = [...headers, `Authorization: Bearer ${harness.operatorToken}`];
  let text = await client.exchange(request(`${method} ${target}`, all, body));
  // A change of tokens or rules waits for the members, and one of them cannot be reached.
  while (text === "") {
    await harness.clock.advance(500);
    text = client.take();
  }
  client.close();
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const type = /^Content-Type: (.*)$/m.exec(head)?.[1] ?? "";
  return { status: Number(head.slice(9, 12)), type, body: rest.join("\r\n\r\n") };
}

/** The requests that the document describes: as few parameters as can be, then each one more. */
function callsOf(path: string, { parameters, requestBody }: Operation) {
  const needed = parameters.filter(({ required }) => required);
  const extras = [undefined, ...parameters.filter(({ required }) => !required)];
  const [type, content] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  const example = content?.example;
  const body = typeof example === "string" || example === undefined
    ? example
    : JSON.stringify(example);
  return extras.map((extra) => {
    const given = extra === undefined ? needed : [...needed, extra];
    // The document says which two exclude each other in words only.
    const rest = extra?.name === "key64" ? "" : undefined;
    const target = path.replace("{key}", () => rest ?? String(valueOf(given, "key")));
    const query = given.filter((one) => one.in === "query")
      .map(({ name, example }) => `${name}=${encodeURIComponent(String(example))}`).join("&");
    const headers = given.filter((one) => one.in === "header")
      .map(({ name, example }) => `${name}: ${example}`);
    if (type !== undefined) headers.push(`Content-Type: ${type}`);
    return { target: query === "" ? target : `${target}?${query}`, headers, body };
  });
}

function valueOf(parameters: readonly Parameter[], name: string): unknown {
  return parameters.find((one) => one.name === name)?.example;
}

Deno.test("the document is OpenAPI 3.1 by the judgement of a public validator", async () => {
  const harness = await Harness.start();
  const document = await served(harness);
  await harness.stop();
  const { valid, errors } = await new Validator().validate(
    document as unknown as Record<string, unknown>,
  );
  assert.ok(valid, JSON.stringify(errors, null, 1));
});

Deno.test("the document describes every route, parameter and answer, once", async () => {
  const harness = await Harness.start();
  const { paths } = await served(harness);
  await harness.stop();
  const ids: string[] = [];
  for (const { method, path, parameters } of routes) {
    const operation = paths[path]?.[method.toLowerCase()];
    assert.ok(operation, `${method} ${path}`);
    const where = `${method} ${path}`;
    ids.push(operation.operationId);
    assert.ok(operation.summary.length > 5 && operation.description.length > 20, where);
    const query = operation.parameters.filter((one) => one.in === "query").map(({ name }) => name);
    assert.deepEqual(query.filter((name) => name !== "key64"), parameters, where);
    for (const parameter of operation.parameters) {
      assert.ok(parameter.description.length > 5, `${where}: ${parameter.name}`);
      assert.ok(Object.keys(parameter.schema).length > 0, `${where}: ${parameter.name}`);
      assert.notEqual(parameter.example, undefined, `${where}: ${parameter.name}`);
    }
    const inPath = operation.parameters.some((one) => one.in === "path");
    assert.equal(inPath, path.includes("{"), where);
    const statuses = Object.keys(operation.responses);
    assert.ok(statuses.includes("200") && statuses.includes("default"), where);
    for (const [status, { description, content = {} }] of Object.entries(operation.responses)) {
      assert.ok(description.length > 5, `${where}: ${status}`);
      if (Number(status) < 400) continue;
      const problem = path.startsWith("/v0/") ? "application/json" : "application/problem+json";
      assert.deepEqual(Object.keys(content), [problem], `${where}: ${status}`);
    }
  }
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(Object.values(paths).flatMap(Object.keys).length, routes.length);
});

Deno.test("the document names every status that the table of errors knows, somewhere", async () => {
  const harness = await Harness.start();
  const { paths } = await served(harness);
  await harness.stop();
  const told = new Set(
    Object.values(paths).flatMap((path) =>
      Object.values(path).flatMap(({ responses }) => Object.keys(responses))
    ),
  );
  /** Of connections and of methods: `default`, since they are about no operation. */
  const ELSEWHERE = [405, 408, 414, 417, 431, 505];
  const all = Object.values(errorTable).map(({ status }) => status)
    .filter((status) => !ELSEWHERE.includes(status));
  assert.deepEqual(all.filter((status) => !told.has(String(status))), []);
});

Deno.test("a client made of the document gets answers as the document has them", async () => {
  const harness = await Harness.start({ authenticated: true });
  const { replica } = harness;
  const status = replica.status();
  replica.members = [
    { id: "n1", peerAddress: "h:1", clientAddress: "h:2", reachable: true, status },
    { id: "n2", peerAddress: "h:3", clientAddress: "h:4", reachable: false },
  ];
  const document = await served(harness);
  const judge = new Ajv2020({ strict: false, validateFormats: false });
  judge.addSchema({ $id: "https://keva.test/openapi.json", ...document });
  const called = new Map<string, Set<number>>();

  const check = (name: string, operation: Operation, answer: Answer): void => {
    const response = operation.responses[answer.status] ?? operation.responses["default"];
    const where = `${name}: ${answer.status} ${answer.body.slice(0, 300)}`;
    if (answer.status < 400) assert.ok(operation.responses[answer.status], where);
    const content = response?.content;
    if (content === undefined) return assert.equal(answer.body, "", where);
    const type = content[answer.type] ?? content[answer.type.split(";")[0] as string] ??
      content["*/*"];
    assert.ok(type, `${where}: ${answer.type}`);
    if (!/json$/.test(answer.type)) return;
    const pointer = JSON.stringify(type.schema).includes("#/components")
      ? { $ref: `https://keva.test/openapi.json${(type.schema as { $ref: string }).$ref}` }
      : type.schema;
    const valid = judge.validate(pointer, JSON.parse(answer.body));
    assert.ok(valid, `${where}: ${judge.errorsText()}`);
  };

  // Twice: what is there at the second time was not at the first.
  for (let round = 1; round <= 2; round++) {
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const name = `${method} ${path}`;
        const seen = called.get(name) ?? new Set();
        called.set(name, seen);
        for (const { target, headers, body } of callsOf(path, operation)) {
          const answer = await ask(harness, method.toUpperCase(), target, headers, body);
          check(`${name} (${target})`, operation, answer);
          seen.add(answer.status);
        }
        const broken = await ask(harness, method.toUpperCase(), `${path}?no=such`, [], "{");
        check(`${name}, broken`, operation, broken);
        assert.ok(broken.status >= 400, name);
      }
    }
  }
  // The nodes have no keys here.
  const ALWAYS_REFUSED = ["post /v1/cluster/keys/reload"];
  const never = [...called].filter(([name, statuses]) =>
    !ALWAYS_REFUSED.includes(name) && ![...statuses].some((status) => status < 300)
  );
  assert.deepEqual(never, []);
  await harness.stop();
});

Deno.test("the document's problems are what failures look like", async () => {
  const harness = await Harness.start();
  const document = await served(harness);
  const judge = new Ajv2020({ strict: false, validateFormats: false });
  for (const effect of ["none", "unknown"] as const) {
    harness.replica.failure = { code: "timeout", effect, reason: "planted", leader: "n2" };
    const put = await ask(harness, "PUT", "/v1/storage/key/a", [], "x");
    assert.equal(put.status, effect === "none" ? 503 : 504);
    const { responses } = document.paths["/v1/storage/key/{key}"]?.["put"] as Operation;
    assert.ok(responses[put.status]);
    const schema = document.components.schemas["Problem"] as object;
    assert.ok(judge.validate(schema, JSON.parse(put.body)), judge.errorsText());
  }
  await harness.stop();
});
