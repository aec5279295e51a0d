/**
 * Lint rules of this project: the ban on the ambient world.
 *
 * Outside of src/platform the code reaches time, randomness, disk, network and the console only
 * through the ports of src/base/ports.ts. That is what makes a whole cluster replayable from one
 * seed, so a single call around the ports would spoil it. A name is forbidden as such: a local
 * variable that is called like a forbidden global has to be called something else.
 */

import { fileURLToPath } from "node:url";

const PORTS = "a port of src/base/ports.ts that the caller passes in";

/** What each forbidden global is replaced by. */
const GLOBALS: Readonly<Record<string, string>> = {
  Deno: `the Disk or Network port, or ${PORTS}`,
  Date: "Clock.wallTime()",
  performance: "Clock.now()",
  setTimeout: "Clock.after()",
  clearTimeout: "the Timer that Clock.after() returns",
  setInterval: "Clock.every()",
  clearInterval: "the Timer that Clock.every() returns",
  setImmediate: "Clock.soon() or Clock.yield()",
  queueMicrotask: "Clock.soon()",
  fetch: "the Network port, or KevaClient of src/client",
  crypto: "the Random or Hash port",
  console: "the Log port",
  globalThis: PORTS,
};

/** The same for members of globals that are harmless otherwise. */
const MEMBERS: Readonly<Record<string, string>> = {
  "Math.random": "the Random port",
  "Promise.race": "a Timer of the Clock port that settles the one promise",
  "Promise.any": "a Timer of the Clock port that settles the one promise",
  "AbortSignal.timeout": "Clock.after() and an AbortController",
};

/** The client library also runs in browsers and in Node, where these are its only way out. */
const CLIENT_MAY_USE = [
  "crypto",
  "fetch",
  "setTimeout",
  "clearTimeout",
  "performance",
  "AbortSignal.timeout",
];

const NODE_MODULE = /^(?:node:|fs$|net$|crypto$|os$|path$|timers$|child_process$)/;

const SOURCES = fileURLToPath(new URL("../src/", import.meta.url)).replaceAll("\\", "/");

/** What `filename` may use in spite of the rule; undefined when the rule does not apply to it. */
function allowed(filename: string): string[] | undefined {
  const path = filename.replaceAll("\\", "/");
  if (!path.startsWith(SOURCES)) return undefined;
  if (path.startsWith(`${SOURCES}platform/`)) return undefined;
  return path.startsWith(`${SOURCES}client/`) ? CLIENT_MAY_USE : [];
}

/** Whether the identifier names a property or a part of a declaration, not a variable. */
function isName(node: Deno.lint.Identifier): boolean {
  const parent = node.parent as unknown as
    & Record<"property" | "key" | "right", unknown>
    & { type: string; computed?: boolean };
  if (parent.type === "MemberExpression") return parent.property === node && !parent.computed;
  if (parent.type === "TSQualifiedName") return parent.right === node;
  if (parent.type === "ImportSpecifier" || parent.type === "ExportSpecifier") return true;
  return parent.key === node && !parent.computed;
}

const noAmbient: Deno.lint.Rule = {
  create(context) {
    const exceptions = allowed(context.filename);
    if (exceptions === undefined) return {};
    const report = (node: Deno.lint.Node, name: string, instead: string | undefined): void => {
      if (instead === undefined || exceptions.includes(name)) return;
      context.report({
        node,
        message: `${name} reaches around the ports`,
        hint: `Use ${instead}.`,
      });
    };
    const checkSource = (node: Deno.lint.StringLiteral | undefined | null): void => {
      if (node && NODE_MODULE.test(node.value)) report(node, node.value, PORTS);
    };
    return {
      Identifier(node): void {
        if (!isName(node) && Object.hasOwn(GLOBALS, node.name)) {
          report(node, node.name, GLOBALS[node.name]);
        }
      },
      MemberExpression(node): void {
        if (node.object.type !== "Identifier") return;
        const property = node.property.type === "Identifier" && !node.computed
          ? node.property.name
          : node.property.type === "Literal"
          ? String(node.property.value)
          : undefined;
        const name = `${node.object.name}.${property}`;
        if (Object.hasOwn(MEMBERS, name)) report(node, name, MEMBERS[name]);
      },
      ImportDeclaration: (node): void => checkSource(node.source),
      ExportNamedDeclaration: (node): void => checkSource(node.source),
      ExportAllDeclaration: (node): void => checkSource(node.source),
      ImportExpression(node): void {
        if (node.source.type === "Literal" && typeof node.source.value === "string") {
          checkSource(node.source as Deno.lint.StringLiteral);
        }
      },
    };
  },
};

const plugin: Deno.lint.Plugin = { name: "keva", rules: { "no-ambient": noAmbient } };
export default plugin;
