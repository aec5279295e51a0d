/**
 * `keva status`: how the cluster is, and what to do about it.
 */

import { printableText } from "../base/mod.ts";
import type { ClusterStatus, MemberStatus } from "../client/mod.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { CommandError } from "./error.ts";
import { clientCommand, jsonOption, timeoutOption } from "./options.ts";
import { table } from "./table.ts";

const EPILOGUE = `
The exit code is 1 when a node is unreachable or no node leads. LAG is how many committed entries a
node has yet to apply. FSYNC is how long its disk takes to make writes durable and DELAY how late
its process gets to its work, both as the 99th percentile of the last minute or two.

Examples:
  keva status
  keva status --endpoints host1:380,host2:380
  watch keva status`;

export function statusCommand(context: Context) {
  return clientCommand("status")
    .summary("show how the cluster is")
    .description(
      "Shows every node as the first one that answers sees it, and one sentence of advice.",
    )
    .addOption(jsonOption("print everything that the node tells as JSON"))
    .addOption(timeoutOption())
    .addHelpText("after", EPILOGUE)
    .action(async (options) => {
      const status = await connect(context, options).status();
      context.stdout.write(options.json ? `${JSON.stringify(status)}\n` : describe(status));
      const { healthy, advice } = assess(status);
      if (!healthy) throw new CommandError(advice);
      if (!options.json) context.stdout.write(`\n${advice}\n`);
    });
}

function describe(status: ClusterStatus): string {
  const heading = [
    [
      ...["NODE", "ROLE", "TERM", "COMMIT", "APPLIED", "LAG", "FSYNC", "DELAY", "LEADER"],
      ...["REACHABLE", "CLIENTS"],
    ],
  ];
  const rows = status.members.map((member) => {
    const { role, term, commit, applied, fsyncP99Ms, loopDelayP99Ms, leader } = member.status ?? {};
    const [fsync, delay] = [milliseconds(fsyncP99Ms), milliseconds(loopDelayP99Ms)];
    const cells = [role, term, commit, applied, member.lag, fsync, delay, leader];
    const reachable = member.reachable ? "yes" : "no";
    return [
      member.id,
      ...cells.map((cell) => String(cell ?? "-")),
      reachable,
      member.clientAddress,
    ];
  });
  const safe = [...heading, ...rows].map((row) => row.map(printableText));
  return `Cluster ${printableText(status.cluster)}, as ${printableText(status.answeredBy)} sees ` +
    `it:\n\n${table(safe)}`;
}

/** Versions differ in what they tell: what is no number is not known. */
function milliseconds(value: unknown): string | undefined {
  return typeof value === "number" ? `${value.toFixed(1)} ms` : undefined;
}

type Assessment = { readonly healthy: boolean; readonly advice: string };

/** The most important thing first: one sentence. */
function assess({ members }: ClusterStatus): Assessment {
  const unreachable = members.filter((member) => !member.reachable);
  const leader = members.find((member) => member.status?.role === "leader");
  const majority = Math.floor(members.length / 2) + 1;
  const up = members.length - unreachable.length;
  if (leader === undefined) {
    return { healthy: false, advice: noLeaderAdvice(members, unreachable, majority) };
  }
  const full = members.find((member) => member.status?.diskFull);
  if (full !== undefined) {
    const advice = `the disk of ${printableText(full.id)} is full: free or add space; ` +
      `reads still work`;
    return { healthy: false, advice };
  }
  if (unreachable.length > 0) {
    const margin = up - majority;
    const rest = margin > 0
      ? `writes go on as long as ${majority} of ${members.length} nodes are up`
      : `writes go on, but would stop if one more node failed`;
    return { healthy: false, advice: `${names(unreachable)} cannot be reached; ${rest}` };
  }
  const all = members.length === 1 ? "The only node" : `All ${members.length} nodes`;
  const verb = members.length === 1 ? "is up" : `are up and ${printableText(leader.id)} leads`;
  return { healthy: true, advice: `${all} ${verb}.` };
}

function noLeaderAdvice(
  members: readonly MemberStatus[],
  unreachable: readonly MemberStatus[],
  majority: number,
): string {
  const start = `no node leads, so neither writes nor linearizable reads work: `;
  const troubled = members.find((member) => member.status?.trouble !== undefined);
  if (troubled !== undefined) return start + printableText(troubled.status?.trouble ?? "");
  return unreachable.length === 0
    ? `${start}an election should end within seconds; if it does not, look into the nodes' logs`
    : `${start}${majority} nodes must be up and reach each other; start ${names(unreachable)} or ` +
      `check the network`;
}

function names(members: readonly MemberStatus[]): string {
  return members.map(({ id, peerAddress }) => printableText(`${id} (${peerAddress})`)).join(", ");
}
