/**
 * `keva token`: the tokens by which clients say who they are.
 */

import { Command } from "@commander-js/extra-typings";
import { printableText } from "../base/mod.ts";
import type { TokenView } from "../client/mod.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { clientCommand, jsonOption, timeoutOption } from "./options.ts";
import { table } from "./table.ts";

const CREATE_EPILOGUE = `
The token is printed once: the cluster keeps no more than what it needs to check it. Where clients
are authenticated, the first one is made on the machine of a node, with the token that the node has
written for its operator; that one counts on this node only, until it stops.

Examples:
  keva token create ci --role deploy > ci.token
  keva token create ci --token-file /var/lib/keva/operator.token --endpoints localhost:380
  KEVA_TOKEN=$(cat ci.token) keva get greeting`;

const REVOKE_EPILOGUE = `
Every node that can be reached refuses the token when this command has ended; it names those for
which it cannot vouch.

Examples:
  keva token revoke ci
  keva token revoke 5f0c9a7e21b4`;

export function tokenCommand(context: Context) {
  const token = new Command("token")
    .summary("make, list or revoke tokens of clients")
    .description("The tokens by which clients say who they are.");
  token.addCommand(createCommand(context));
  token.addCommand(listCommand(context));
  token.addCommand(revokeCommand(context));
  return token;
}

function createCommand(context: Context) {
  return clientCommand("create")
    .summary("make a token and print it")
    .description("Makes a token for a client and prints it, once.")
    .argument("<name>", "who will have it: letters, digits and . _ @ -, at most 64")
    .option(
      "--role <role>",
      "a role that it has; may be repeated",
      (role: string, all: string[]) => [...all, role],
      [],
    )
    .addOption(timeoutOption())
    .addHelpText("after", CREATE_EPILOGUE)
    .action(async (name, options) => {
      const client = connect(context, options);
      const { token, pending } = await client.createToken(name, options.role);
      context.stdout.write(`${printableText(token)}\n`);
      context.stderr.write("keva: keep the token; nobody can tell it again\n");
      warnOfPending(context, pending, "may not know it yet");
    });
}

function listCommand(context: Context) {
  return clientCommand("list")
    .summary("show who has a token")
    .description("Shows all tokens by name, without their text.")
    .addOption(jsonOption("print them as JSON"))
    .addOption(timeoutOption())
    .action(async (options) => {
      const tokens = await connect(context, options).tokens();
      const text = options.json ? JSON.stringify(tokens) + "\n" : describe(context, tokens);
      context.stdout.write(text);
    });
}

function revokeCommand(context: Context) {
  return clientCommand("revoke")
    .summary("let a token count no more")
    .description("Revokes a token: nodes refuse it from now on.")
    .argument("<name>", 'the name or the id, as "keva token list" shows them')
    .addOption(timeoutOption())
    .addHelpText("after", REVOKE_EPILOGUE)
    .action(async (nameOrId, options) => {
      const { name, pending } = await connect(context, options).revokeToken(nameOrId);
      context.stdout.write(`revoked ${printableText(name)}\n`);
      warnOfPending(context, pending, "may accept it until it has caught up");
    });
}

function describe(context: Context, tokens: readonly TokenView[]): string {
  if (tokens.length === 0) return "There are no tokens.\n";
  const now = context.ports.clock.wallTime();
  const rows = tokens.map(({ name, id, roles, createdAtMs }) => [
    name,
    id,
    roles.join(",") || "-",
    age(now - createdAtMs),
  ]);
  return table([["NAME", "ID", "ROLES", "AGE"], ...rows].map((row) => row.map(printableText)));
}

const UNITS = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000]] as const;

/** In the largest unit that it fills: clocks of machines differ, so no more than that. */
function age(ms: number): string {
  const unit = UNITS.find(([, unitMs]) => ms >= unitMs);
  return unit === undefined ? "new" : `${Math.floor(ms / unit[1])} ${unit[0]}`;
}

function warnOfPending(context: Context, pending: readonly string[], what: string): void {
  for (const node of pending) {
    context.stderr.write(`keva: ${printableText(node)} did not say that it knows: it ${what}\n`);
  }
}
