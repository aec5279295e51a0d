/**
 * `keva keys`: the keys by which nodes know each other, as each node has them.
 */

import { Command } from "@commander-js/extra-typings";
import { printableText } from "../base/mod.ts";
import { type KevaClient, KevaError, type KeysView } from "../client/mod.ts";
import { connectEach, type ConnectOptions } from "./connect.ts";
import type { Context } from "./context.ts";
import { CommandError, explainError } from "./error.ts";
import { clientCommand, timeoutOption } from "./options.ts";
import { table } from "./table.ts";

const LIST_EPILOGUE = `
STATE is "own" for the node's own key, "in use" for a key that its node has proven on a link that is
up, and "absent" for one that nobody has proven. Below stands who was turned away lately, and why.
The exit code is 1 when a node does not answer, or knows some node by no key that is in use.

Examples:
  keva keys list
  keva keys list --endpoints host1:380,host2:380`;

const RELOAD_EPILOGUE = `
Each node reads the configuration file and the file of authorized_keys that it was started with.
Links that rest on a key which is gone are closed at once; all others stay up. When a file is not
valid, its node keeps the keys that it has.

Example:
  keva keys reload`;

export function keysCommand(context: Context) {
  const keys = new Command("keys")
    .summary("show or reload the keys by which nodes know each other")
    .description('The keys by which nodes know each other. "keva keygen" makes them.');
  keys.addCommand(listCommand(context));
  keys.addCommand(reloadCommand(context));
  return keys;
}

function listCommand(context: Context) {
  return clientCommand("list")
    .summary("show the keys that each node knows, and who is shut out")
    .description("Shows, for each node, the keys that it knows and what its links make of them.")
    .addOption(timeoutOption())
    .addHelpText("after", LIST_EPILOGUE)
    .action((options) => each(context, options, (client) => client.keys()));
}

function reloadCommand(context: Context) {
  return clientCommand("reload")
    .summary("let each node read the keys anew")
    .description("Lets each node read the keys of the others anew, and shows what came of it.")
    .addOption(timeoutOption())
    .addHelpText("after", RELOAD_EPILOGUE)
    .action((options) => each(context, options, (client) => client.reloadKeys()));
}

/** Asks every node, shows every answer, and fails in the end when one was bad. */
async function each(
  context: Context,
  options: ConnectOptions,
  ask: (client: KevaClient) => Promise<KeysView>,
): Promise<void> {
  const troubles: string[] = [];
  for (const { endpoint, client } of connectEach(context, options)) {
    try {
      const view = await ask(client);
      context.stdout.write(describe(view, endpoint));
      troubles.push(...troublesOf(view));
    } catch (error) {
      if (!(error instanceof KevaError)) throw error;
      troubles.push(explainError(error, false).text);
    }
  }
  if (troubles.length > 0) throw new CommandError(troubles.join("\n"));
}

const STATES = { own: "own", proven: "in use", absent: "absent", unknown: "no such node" } as const;

function describe(view: KeysView, endpoint: string): string {
  const heading = `${printableText(view.node)} (${endpoint})`;
  if (!view.keyed) return `${heading}: nodes have no keys, so links are not authenticated\n`;
  const rows = (view.authorised ?? []).map(({ node, fingerprint, state }) => [
    node,
    STATES[state] ?? state,
    fingerprint,
  ]);
  const refused = (view.refused ?? []).map(({ host, reason, count, lastMsAgo }) =>
    `  turned away: ${host}, ${count} times, the last ${
      Math.round(lastMsAgo / 1000)
    } s ago: ${reason}`
  );
  const down = (view.links ?? []).filter(({ up }) => !up).map(({ node, trouble }) =>
    `  no link to ${node}: ${trouble ?? "it was not reached yet"}`
  );
  const safe = [["NODE", "STATE", "KEY"], ...rows].map((row) => row.map(printableText));
  const lines = [...down, ...refused].map((line) => `${printableText(line)}\n`);
  return `${heading}\n${table(safe)}${lines.join("")}\n`;
}

/** What keeps the node from knowing another, or itself. */
function troublesOf({ node, keyed, authorised = [], links = [] }: KeysView): string[] {
  if (!keyed) return [];
  const has = (id: string, state: string) =>
    authorised.some((one) => one.node === id && one.state === state);
  const troubles = links.filter((link) => !has(link.node, "proven")).map((link) =>
    `${printableText(node)} knows ${printableText(link.node)} by no key that is in use`
  );
  if (!has(node, "own")) {
    troubles.push(`${printableText(node)} does not find its own key among the authorised ones`);
  }
  return troubles;
}
