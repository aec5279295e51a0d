/**
 * A node inside a program that others reach too, over HTTP. Here the same program plays them, as
 * any client elsewhere would.
 *
 *     deno run -A examples/served_node.ts DIRECTORY PORT
 */

import { KevaClient, KevaNode } from "keva";

const [directory = "./keva-data/served", port = "3801"] = Deno.args;

const node = await KevaNode.open({ directory, port: Number(port) });
const keva = new KevaClient({ endpoints: [`127.0.0.1:${port}`] });

await keva.putJson("users/anna", { colour: "red" });
const events = keva.watch({ prefix: "users/", initial: true });
for await (const event of events) {
  if (event.kind === "synced") await keva.putJson("users/bert", { colour: "blue" });
  if (event.kind !== "put") continue;
  const name = new TextDecoder().decode(event.key);
  console.log(`${name} since ${event.revision}`);
  if (name === "users/bert") break;
}

await keva.close();
await node.stop();
