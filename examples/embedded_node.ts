/**
 * A node inside a program: a durable store without a server beside it.
 *
 *     deno run -A examples/embedded_node.ts DIRECTORY
 */

import { KevaNode } from "keva";

const [directory = "./keva-data/embedded"] = Deno.args;

const node = await KevaNode.open({ directory });
const keva = node.client();

const visits = await keva.getJson<number>("visits");
await keva.putJson("visits", (visits?.value ?? 0) + 1, { ifRevision: visits?.revision ?? 0 });
console.log(`visit ${(visits?.value ?? 0) + 1}`);

await node.stop();
