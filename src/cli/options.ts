/**
 * Options that several commands share.
 */

import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { limits } from "../base/mod.ts";

export function configFileOption() {
  return new Option(
    "-c, --config-file <path>",
    "the configuration (default: $KEVA_CONFIG_FILE, else ./keva.toml)",
  );
}

export function nodeIdentityOption() {
  return new Option(
    "-i, --node-identity <name>",
    "which [[node]] of the file to be (default: $KEVA_NODE_IDENTITY, else the host name)",
  );
}

export function setOption() {
  return new Option(
    "--set <name=value>",
    "override a setting, as in log.level=debug; may be repeated",
  ).argParser<string[]>((value, all) => [...all ?? [], value]).default([] as string[], "none");
}

/** A command that asks nodes, with the options that say which ones and by what it is known. */
export function clientCommand(name: string) {
  return new Command(name)
    .addOption(endpointsOption())
    .addOption(tokenOption())
    .addOption(tokenFileOption())
    .addOption(cacertOption())
    .addOption(certOption())
    .addOption(privateKeyOption());
}

function endpointsOption() {
  return new Option(
    "-e, --endpoints <host:port>",
    "nodes to ask, in this order, separated by commas; https://host:port where they speak TLS (default: $KEVA_ENDPOINTS, else the nodes in ./keva.toml, " +
      "else those of a `keva dev` here, else localhost:380)",
  );
}

function tokenOption() {
  return new Option(
    "--token <token>",
    "say who you are by this; others on this machine can see it while the command runs, so " +
      "prefer $KEVA_TOKEN or a file",
  );
}

function tokenFileOption() {
  return new Option(
    "--token-file <path>",
    "say who you are by the token in this file (default: $KEVA_TOKEN, else $KEVA_TOKEN_FILE)",
  );
}

function cacertOption() {
  return new Option(
    "--cacert <path>",
    "speak TLS, and trust the authorities in this file (default: $KEVA_CACERT)",
  );
}

function certOption() {
  return new Option(
    "--cert <path>",
    "say who you are by the certificate in this file, where TLS is spoken (default: $KEVA_CERT)",
  );
}

function privateKeyOption() {
  return new Option("--key <path>", "the private key of that certificate (default: $KEVA_KEY)");
}

export function timeoutOption() {
  return new Option("--timeout <seconds>", "how long to wait for an answer")
    .argParser((text) => {
      const seconds = Number(text);
      if (/^[\d.]+$/.test(text) && seconds > 0 && seconds <= 3600) return seconds;
      throw new InvalidArgumentError("It must be a number of seconds above 0, at most 3600.");
    })
    .default(5);
}

export function ttlOption() {
  const most = limits.ttlMsMax / 1000;
  return new Option("--ttl <seconds>", "the item goes by itself after this time")
    .argParser((text) => {
      const seconds = Number(text);
      if (/^\d+(\.\d{1,3})?$/.test(text) && seconds > 0 && seconds <= most) return seconds;
      throw new InvalidArgumentError(`It must be a number of seconds above 0, at most ${most}.`);
    });
}

export function revisionOption() {
  return new Option(
    "--if-revision <revision>",
    "only if the key has this revision now; 0: only if there is no such key",
  ).argParser(wholeNumber("It must be a whole number."));
}

export function idempotencyKeyOption() {
  return new Option(
    "--idempotency-key <key>",
    "under which the write happens once, however often it is sent (default: a random one)",
  );
}

/** What `revisionOption` and `idempotencyKeyOption` gave, for the client. */
export function writeOptions(
  { ifRevision, idempotencyKey }: {
    readonly ifRevision?: number | undefined;
    readonly idempotencyKey?: string | undefined;
  },
): { readonly ifRevision?: number; readonly idempotencyKey?: string } {
  return {
    ...ifRevision !== undefined && { ifRevision },
    ...idempotencyKey !== undefined && { idempotencyKey },
  };
}

export function jsonOption(what: string) {
  return new Option("--json", what);
}

export function wholeNumber(complaint: string): (text: string) => number {
  return (text) => {
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw new InvalidArgumentError(complaint);
  };
}
