/**
 * `keva serve`: one node of a cluster, in the foreground.
 */

import { Command, Option } from "@commander-js/extra-typings";
import { DiskError, type Log } from "../base/mod.ts";
import { type Config, hostAndPort, trustWarnings } from "../config/mod.ts";
import { chooseNode, readConfig } from "./config_file.ts";
import type { Context, RunningNode } from "./context.ts";
import { CommandError, EXIT_FAILED } from "./error.ts";
import { type KeysInFiles, nodeKeys } from "./node_keys.ts";
import { nodeTls, type TlsInFiles } from "./tls_files.ts";
import { configFileOption, nodeIdentityOption, setOption } from "./options.ts";

const EPILOGUE = `
Where nodes have keys (see "keva keygen --help"), a certificate for clients or a policy in files, SIGHUP
reads them anew, and so does a change of those files.

SIGTERM or Ctrl-C hands leadership over, answers what is in flight and exits with 0 within five
seconds; a second one exits at once. "keva --config-file …" without a command means serve.

Examples:
  keva serve --node-identity host1
  keva serve --config-file /etc/keva.toml --working-directory /var/lib/keva`;

/** Less than the five seconds that are promised. */
const STOP_TIMEOUT_MS = 4_500;
const WATCH_INTERVAL_MS = 500;
const WATCHED_BYTES_MAX = 1024 * 1024;

export function serveCommand(context: Context) {
  return new Command("serve")
    .summary("run one node of a cluster")
    .description("Runs one node of the cluster that a configuration describes.")
    .addOption(configFileOption())
    .addOption(nodeIdentityOption())
    .option(
      "-w, --working-directory <path>",
      "where the node keeps its data (default: $KEVA_WORKING_DIRECTORY, else " +
        "./keva-data/IDENTITY); created when it is missing",
    )
    .addOption(setOption())
    .addOption(new Option("--until-stdin-ends", "also stop when the parent dies").hideHelp())
    .addHelpText("after", EPILOGUE)
    .action(async (options) => {
      const loaded = readConfig(context, options);
      const config = chooseNode(context, loaded, options);
      const log = context.openLog(config.log).with({ node: config.self.identity });
      for (const warning of [...loaded.warnings, ...trustWarnings(config)]) log.warn(warning);
      const tls = config.tls && nodeTls(context, config.tls);
      const keys = await nodeKeys(context, config, options);
      const stop = stopRequest(context, options.untilStdinEnds === true);
      await serve(context, { config, log, keys, tls, stop });
    });
}

type Serving = {
  readonly config: Config;
  readonly log: Log;
  readonly keys: KeysInFiles | undefined;
  readonly tls: TlsInFiles | undefined;
  readonly stop: StopRequest;
};

async function serve(context: Context, { config, log, keys, tls, stop }: Serving): Promise<void> {
  const watching = new Watching();
  try {
    const started = await context.startNode({ config, ports: context.ports, log, keys, tls });
    if (!started.ok) throw new CommandError(started.error.reason);
    const node = started.value;
    const files = [...keys?.files ?? [], ...tls?.files ?? [], ...config.access.policy];
    watching.start(context, files, () => node.reload());
    context.stdout.write(readyLine(config, node));
    const reason = await ended(node, stop);
    if (reason.kind === "failed") throw new CommandError(reason.text);
    log.info("stopping", { reason: reason.text });
    await stopInTime(context, node, log);
  } finally {
    watching.stop();
    stop.dispose();
  }
}

/** Calls for keys, certificate and policy to be read anew: at SIGHUP, and when one of their files changed. */
class Watching {
  #stop: (() => void)[] = [];

  start(context: Context, files: readonly string[], reload: () => void): void {
    this.#stop.push(context.onSignal("SIGHUP", reload));
    if (files.length === 0) return;
    let seen = contents(context, files);
    const timer = context.ports.clock.every(WATCH_INTERVAL_MS, () => {
      const now = contents(context, files);
      if (now === seen) return;
      seen = now;
      reload();
    });
    this.#stop.push(() => timer.cancel());
  }

  stop(): void {
    for (const stop of this.#stop) stop();
  }
}

/** Compared as a whole: the files are small, and not every change shows in their times. */
function contents({ ports: { disk } }: Context, files: readonly string[]): string {
  return JSON.stringify(files.map((path) => {
    try {
      return new TextDecoder().decode(disk.read(path, WATCHED_BYTES_MAX));
    } catch (error) {
      if (error instanceof DiskError) return error.code;
      throw error;
    }
  }));
}

function readyLine(config: Config, node: RunningNode): string {
  const { host, port } = node.userAddress;
  const peers = node.peerAddress;
  const scheme = config.tls === undefined ? "http" : "https";
  return `${config.self.identity} of cluster ${config.cluster.name} serves ` +
    `${scheme}://${hostAndPort(host, port)} (other nodes: ${
      hostAndPort(peers.host, peers.port)
    }, ` +
    `data: ${config.workingDirectory})\n`;
}

type Ending = { readonly kind: "failed" | "asked"; readonly text: string };

function ended(node: RunningNode, stop: StopRequest): Promise<Ending> {
  return new Promise((resolve) => {
    void stop.asked.then((text) => resolve({ kind: "asked", text }));
    void node.done.then((text) => resolve({ kind: "failed", text }));
  });
}

async function stopInTime(context: Context, node: RunningNode, log: Log): Promise<void> {
  const timer = context.ports.clock.after(STOP_TIMEOUT_MS, () => {
    log.error("gave up waiting for a clean stop; what was acknowledged is on disk");
    context.exit(EXIT_FAILED);
  });
  await node.stop();
  timer.cancel();
}

type StopRequest = {
  /** Resolves, with its reason, at the first request to stop. */
  readonly asked: Promise<string>;
  dispose(): void;
};

/** The second signal does not wait for anything any more. */
function stopRequest(context: Context, untilStdinEnds: boolean): StopRequest {
  const { promise, resolve } = Promise.withResolvers<string>();
  let signals = 0;
  const listeners = (["SIGINT", "SIGTERM"] as const).map((name) =>
    context.onSignal(name, () => {
      if (++signals > 1) context.exit(EXIT_FAILED);
      resolve(name);
    })
  );
  if (untilStdinEnds) void context.stdin.ended().then(() => resolve("standard input ended"));
  return { asked: promise, dispose: () => listeners.forEach((remove) => remove()) };
}
