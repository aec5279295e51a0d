/** A policy as text: a rule on each line; empty lines and those that begin with `#` say nothing. */

import { type Disk, DiskError, err, fromUtf8, limits, ok, type Result } from "../base/mod.ts";
import { parseRule, type Rule, ruleText } from "./rule.ts";

/** A rule and where it stands, as `policy.csv:3`. */
export type SourcedRule = { readonly rule: Rule; readonly source: string };

/** After so many faults the rest is most likely of the same kind. */
const FAULTS_SHOWN_MAX = 10;

/** All rules, or what is wrong: one sentence on each line, with file and line. */
export function parsePolicy(path: string, text: string): Result<SourcedRule[], string> {
  const rules = new Map<string, SourcedRule>();
  const faults: string[] = [];
  for (const [at, content] of text.split("\n").entries()) {
    const line = content.trim();
    if (line === "" || line.startsWith("#")) continue;
    const source = `${path}:${at + 1}`;
    const parsed = parseRule(line);
    if (!parsed.ok) faults.push(`${source}: ${parsed.error}`);
    else rules.set(ruleText(parsed.value), { rule: parsed.value, source });
    if (faults.length >= FAULTS_SHOWN_MAX) break;
  }
  return faults.length === 0 ? ok([...rules.values()]) : err(faults.join("\n"));
}

/** The policy that stands in all of `paths` together. */
export function readPolicyFiles(
  disk: Pick<Disk, "read">,
  paths: readonly string[],
): Result<SourcedRule[], string> {
  const rules: SourcedRule[] = [];
  for (const path of paths) {
    const text = readText(disk, path);
    if (!text.ok) return text;
    const parsed = parsePolicy(path, text.value);
    if (!parsed.ok) return parsed;
    rules.push(...parsed.value);
  }
  return rules.length <= limits.policyRulesMax ? ok(rules) : err(
    `${paths.join(", ")}: there are ${rules.length} rules; at most ${limits.policyRulesMax} can be`,
  );
}

function readText(disk: Pick<Disk, "read">, path: string): Result<string, string> {
  try {
    const text = fromUtf8(disk.read(path, limits.policyFileBytesMax));
    return text.ok ? text : err(`${path}: it is not UTF-8 text`);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return err(
      error.code === "missing"
        ? `${path}: there is no such file; access.policy names it, and it may be empty`
        : `${path}: it cannot be read: ${error.reason}`,
    );
  }
}
