/**
 * Golden transcripts: each `$ keva …` line of a file under transcripts/ is run, and what it prints
 * and returns must be what stands below it. `KEVA_UPDATE=1` writes what it is now; read the diff.
 *
 * In that world there is example.toml (keva.toml.example), bad.toml, two policies, a key in taken/, a
 * key with a passphrase in broken/, no cluster, and a terminal.
 */

import assert from "node:assert/strict";
import { UPDATE } from "../support/golden.ts";
import { fakeCluster } from "../client/fake_cluster.ts";
import { keva } from "./fake_context.ts";

const here = new URL("./transcripts/", import.meta.url);
const example = Deno.readTextFileSync(new URL("../../keva.toml.example", import.meta.url));

const BAD = `[[node]]
identity = "host1"
address = "10.0.0.1"
keva_port = "80x"
user_port = 380
wait_tim = 1

[limits]
value_bytes_max = "9 MiB"
`;

const OPEN = `[[node]]
identity = "thishost"
address = "10.0.0.1"
keva_port = 3811
user_port = 380
`;

function key(name: string): string {
  return Deno.readTextFileSync(new URL(`../keys/testdata/${name}`, import.meta.url));
}

async function transcript(line: string): Promise<string> {
  const args = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((part) => part[1] ?? part[2] as string);
  const files = {
    "example.toml": example,
    "bad.toml": BAD,
    "open.toml": OPEN,
    "policy.csv": "p, ci, app/, write\ng, ann, role:ops\n",
    "faulty.csv": "p, ci, app/, write\np, ci, app/*, read\n",
    "taken/node.key": key("plain"),
    "broken/node.key": key("passphrase"),
  };
  const cluster = fakeCluster(...Array.from({ length: 9 }, () => "refused" as const));
  const result = await keva(args.slice(1), {
    files,
    cluster,
    stdin: "terminal",
    portsInUse: [3802],
  });
  const mark = (text: string, sign: string) =>
    text.replace(/\n$/, "").split("\n").map((one) => `${sign} ${one}`.trimEnd() + "\n").join("");
  const out = result.stdout === "" ? "" : mark(result.stdout, " ");
  const errors = result.stderr === "" ? "" : mark(result.stderr, "!");
  return `$ ${line}\n${out}${errors}= ${result.exit}\n`;
}

for (const { name } of [...Deno.readDirSync(here)].sort((a, b) => a.name < b.name ? -1 : 1)) {
  Deno.test(`run() prints what ${name} shows`, async () => {
    const golden = Deno.readTextFileSync(new URL(name, here));
    let actual = "";
    for (const line of golden.split("\n")) {
      if (line.startsWith("#")) actual += `${line}\n`;
      if (line.startsWith("$ ")) actual += `${await transcript(line.slice(2))}\n`;
    }
    if (UPDATE) Deno.writeTextFileSync(new URL(name, here), actual);
    else assert.equal(actual, golden);
  });
}
