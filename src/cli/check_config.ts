/**
 * `keva check-config`: whether a configuration is right, and where each value comes from.
 */

import { Command } from "@commander-js/extra-typings";
import { readPolicyFiles, type SourcedRule } from "../access/mod.ts";
import {
  type Config,
  type LoadedConfig,
  originText,
  settings,
  trustWarnings,
} from "../config/mod.ts";
import { chooseNode, configPath, readConfig } from "./config_file.ts";
import type { Context } from "./context.ts";
import { CommandError } from "./error.ts";
import { configFileOption, nodeIdentityOption, setOption } from "./options.ts";
import { readCredentials } from "./tls_files.ts";
import { table } from "./table.ts";

const EPILOGUE = `
The exit code is 0 when a node could start with this configuration, else 1. Without
--node-identity, only what holds for all nodes is checked.

Examples:
  keva check-config
  keva check-config --config-file /etc/keva.toml --node-identity host2`;

export function checkConfigCommand(context: Context) {
  return new Command("check-config")
    .summary("check a configuration and show where each value comes from")
    .description("Checks a configuration and prints the value of every setting with its source.")
    .addOption(configFileOption())
    .addOption(nodeIdentityOption())
    .addOption(setOption())
    .addHelpText("after", EPILOGUE)
    .action((options) => {
      const loaded = readConfig(context, options);
      const { nodeIdentity } = options;
      const config = nodeIdentity === undefined ? null : chooseNode(context, loaded, options);
      const tls = config?.tls && readCredentials(context, config.tls);
      const rules = config === null ? [] : policyRules(context, config);
      for (const warning of loaded.warnings) context.stderr.write(`keva: warning: ${warning}\n`);
      const { length } = loaded.config.nodes;
      context.stdout.write(
        `${configPath(context, options)} is valid: ${length} ${
          length === 1 ? "node" : "nodes"
        }.\n` +
          `\n${nodeTable(loaded)}\n${settingTable(loaded)}`,
      );
      if (config === null) return;
      context.stdout.write(
        `\n${
          [
            `${config.self.identity} would keep its data in ${config.workingDirectory}`,
            ...tls === undefined ? [] : [`its certificate counts until ${tls.expiry.text}`],
            ...rules.length === 0 ? [] : [`the files of its policy hold ${rules.length} rules`],
            ...trustWarnings(config),
          ].join("; ")
        }.\n`,
      );
    });
}

/** Throws {@link CommandError}. */
function policyRules({ ports: { disk } }: Context, { access }: Config): readonly SourcedRule[] {
  const rules = readPolicyFiles(disk, access.policy);
  if (rules.ok) return rules.value;
  throw new CommandError(rules.error);
}

function nodeTable({ config, origin }: LoadedConfig): string {
  const rows = config.nodes.map((node, position) => [
    node.identity,
    node.address,
    String(node.peerPort),
    String(node.userPort),
    String(node.electionTimeoutMs / 1000),
    originText(origin(["node", position])),
  ]);
  return table([["NODE", "ADDRESS", "KEVA_PORT", "USER_PORT", "WAIT_TIME", "FROM"], ...rows]);
}

function settingTable(loaded: LoadedConfig): string {
  const rows = settings().map(({ name, path }) => [
    name,
    shown(loaded.value(path)),
    originText(loaded.origin(path)),
  ]);
  return table([["SETTING", "VALUE", "FROM"], ...rows]);
}

function shown(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(", ")}]` : String(value);
}
