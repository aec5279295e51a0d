/**
 * `keva policy`: who may do what.
 */

import { Argument, Command } from "@commander-js/extra-typings";
import { printableText } from "../base/mod.ts";
import type { PolicyChange, PolicyRule, PolicyVerdict, PolicyView } from "../client/mod.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { CommandError, usageError } from "./error.ts";
import { keyBase64Option, keyHexOption, parseKey } from "./key.ts";
import { clientCommand, jsonOption, timeoutOption } from "./options.ts";
import { table } from "./table.ts";

const EPILOGUE = `
A rule is one line, as in a policy file of Casbin:

  p, SUBJECT, PREFIX, ACTION          SUBJECT may do ACTION to keys that begin with PREFIX
  p, SUBJECT, PREFIX, ACTION, deny    SUBJECT may not, whatever other rules say
  g, NAME, role:ROLE                  NAME has this role

SUBJECT is the name of a token or of a client's certificate, or role:ROLE, which a token has by
"keva token create --role" or a name by a rule. ACTION is read, write, watch, inspect (see how the
cluster is) or admin (change tokens, keys and the policy); consume is read and watch, produce is write.
PREFIX is written as in a URL (%2C is a comma); * is every key, and stands where there is none.

As soon as there is a rule, what no rule allows is refused. The operator token of a node may always do
everything: see "keva token create --help".`;

const ADD_EPILOGUE = `
Every node that can be reached goes by the rule when this command has ended; it names those for which
it cannot vouch.

Examples:
  keva policy add "p, ci, app/, write"
  keva policy add "p, role:readers, *, consume"
  keva policy add "g, ann, role:readers"`;

const LIST_EPILOGUE = `
Rules of the cluster are the same on all nodes; those of files are shown for the node that answers.
The exit code is 1 when that node cannot read its files as they are now.

Examples:
  keva policy list
  keva policy list --endpoints host2:380`;

const TEST_EPILOGUE = `
The exit code is 1 when it is refused. A token's own roles need not be told.

Examples:
  keva policy test ci write app/config
  keva policy test ann admin --role operations`;

const ACTIONS = ["read", "write", "watch", "inspect", "admin"] as const;

export function policyCommand(context: Context) {
  const policy = new Command("policy")
    .summary("say who may do what")
    .description("Rules of who may do what, kept by the cluster or in files.")
    .addHelpText("after", EPILOGUE);
  policy.addCommand(listCommand(context));
  policy.addCommand(addCommand(context));
  policy.addCommand(removeCommand(context));
  policy.addCommand(testCommand(context));
  return policy;
}

function listCommand(context: Context) {
  return clientCommand("list")
    .summary("show all rules")
    .description("Shows all rules, and where each stands.")
    .addOption(jsonOption("print them as JSON"))
    .addOption(timeoutOption())
    .addHelpText("after", LIST_EPILOGUE)
    .action(async (options) => {
      const view = await connect(context, options).policy();
      context.stdout.write(options.json ? JSON.stringify(view) + "\n" : describe(view));
      if (view.trouble === null) return;
      throw new CommandError(
        `${printableText(view.node)} goes on by what its files said before: ${
          view.trouble.split("\n").map(printableText).join("\n")
        }`,
      );
    });
}

function addCommand(context: Context) {
  return clientCommand("add")
    .summary("add a rule to those of the cluster")
    .description("Adds a rule to those that the cluster keeps.")
    .argument("<rule>", 'as in "p, ci, app/, write"; see "keva policy --help"')
    .addOption(timeoutOption())
    .addHelpText("after", ADD_EPILOGUE)
    .action(async (rule, options) => {
      told(context, "added", await connect(context, options).addPolicy(rule));
    });
}

function removeCommand(context: Context) {
  return clientCommand("remove")
    .summary("remove a rule from those of the cluster")
    .description("Removes a rule from those that the cluster keeps. Rules of files stay.")
    .argument("<rule>", 'as "keva policy list" shows it')
    .addOption(timeoutOption())
    .action(async (rule, options) => {
      told(context, "removed", await connect(context, options).removePolicy(rule));
    });
}

function testCommand(context: Context) {
  return clientCommand("test")
    .summary("tell whether somebody may do something, and why")
    .description("Tells whether somebody may do something, and which rule decides.")
    .argument("<name>", "of a token or of a client's certificate")
    .addArgument(new Argument("<action>", "what he would do").choices(ACTIONS))
    .argument("[key]", "to which key; none for inspect and admin")
    .option(
      "--role <role>",
      "a role that he has beside those of his token; may be repeated",
      (role: string, all: string[]) => [...all, role],
      [] as string[],
    )
    .addOption(keyBase64Option())
    .addOption(keyHexOption())
    .addOption(jsonOption("print the answer as JSON"))
    .addOption(timeoutOption())
    .addHelpText("after", TEST_EPILOGUE)
    .action(async (name, action, keyText, options) => {
      const isAboutKey = action !== "inspect" && action !== "admin";
      if (isAboutKey !== (keyText !== undefined)) {
        throw usageError(isAboutKey ? `${action} needs a key` : `${action} is about no key`);
      }
      const key = keyText === undefined ? {} : { key: parseKey(keyText, options) };
      const question = { name, action, roles: options.role, ...key };
      const verdict = await connect(context, options).testPolicy(question);
      if (options.json) context.stdout.write(JSON.stringify(verdict) + "\n");
      else if (verdict.allowed) context.stdout.write(`allowed: ${reason(verdict)}\n`);
      if (!verdict.allowed) throw new CommandError(`refused: ${reason(verdict)}`);
    });
}

function told(context: Context, what: string, { rule, pending }: PolicyChange): void {
  context.stdout.write(`${what} ${printableText(rule)}\n`);
  for (const node of pending) {
    context.stderr.write(
      `keva: ${printableText(node)} did not say that it knows: it may go by what held before\n`,
    );
  }
}

function describe({ inForce, rules }: PolicyView): string {
  if (!inForce) return "There is no policy: whoever is let in may do everything.\n";
  if (rules.length === 0) return "The policy has no rules: nobody may do anything.\n";
  const rows = rules.map(({ rule, source }) => [rule, source].map(printableText));
  return table([["RULE", "FROM"], ...rows]);
}

function reason({ by, inForce }: PolicyVerdict): string {
  if (!inForce) return "there is no policy";
  return by === null ? "no rule allows it" : named(by);
}

function named({ rule, source }: PolicyRule): string {
  return `${printableText(rule)} (${printableText(source)})`;
}
