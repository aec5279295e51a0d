/**
 * The program: joins the command line with the real world. Everything else gets its world passed.
 */

import manifest from "./deno.json" with { type: "json" };
import { type Context, reportCrash, run } from "./src/cli/mod.ts";
import { KevaNode } from "./src/mod.ts";
import { createLog, giveUpChildren, realPorts, thisProcess, tlsFetch } from "./src/platform/mod.ts";

// Else the runtime trusts public certificate authorities beside those that Keva names itself.
Deno.env.set("DENO_TLS_CA_STORE", "");
// Else a proxy of the environment would come between this machine and itself.
const noProxy = Deno.env.get("NO_PROXY") ?? Deno.env.get("no_proxy") ?? "";
Deno.env.set("NO_PROXY", `${noProxy},localhost,127.0.0.0/8,::1`);

const process = thisProcess();
// Only this command starts others.
if (process.args[0] !== "dev") await giveUpChildren();
const ports = realPorts();
const { stderr } = process;

const context: Context = {
  ...process,
  env: { ...process.env("KEVA_"), ...process.env("DKV_") },
  version: manifest.version,
  ports,
  fetch,
  tlsFetch,
  openLog: (settings) =>
    createLog({
      ...settings,
      colour: stderr.colour,
      wallTime: ports.clock.wallTime,
      write: stderr.write,
    }),
  startNode: (options) => KevaNode.start(options),
};

process.onCrash((error) => reportCrash(context, error));
process.exit(await run(context));
