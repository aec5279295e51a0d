/**
 * The rules that the cluster keeps, one record each, so that every node judges by the same ones; and
 * questions about the whole policy, files included.
 */

import {
  type Action,
  parseRule,
  type Rule,
  ruleText,
  type SourcedRule,
  type Who,
} from "../access/mod.ts";
import {
  type Clock,
  err,
  type Hash,
  hex,
  limits,
  type Log,
  ok,
  type Result,
  utf8,
} from "../base/mod.ts";
import type { Replica } from "../node/mod.ts";
import type { Caller } from "./access.ts";
import { readFailure, refusal, type ServiceError } from "./errors.ts";
import { type PolicyInForce, storedRules } from "./policy_in_force.ts";
import { changeRecord, type RecordChange, settled } from "./record_change.ts";
import { storedTokens } from "./tokens.ts";

type Answer<T> = Promise<Result<T, ServiceError>>;

export type PoliciesOptions = {
  readonly replica: Replica;
  readonly clock: Clock;
  readonly hash: Hash;
  readonly log: Log;
  readonly policy: PolicyInForce;
  /** Whether every caller has to prove who he is. */
  readonly required: boolean;
};

export type PolicyView = {
  /** Whose files are shown. */
  readonly node: string;
  /** False: whoever is let in may do everything. */
  readonly inForce: boolean;
  readonly rules: readonly { readonly rule: string; readonly source: string }[];
  /** What is wrong with the files of this node as they are now. */
  readonly trouble: string | null;
};

export type PolicyChange = RecordChange & { readonly rule: string };

export type PolicyQuestion = {
  readonly name: string;
  /** Beside those that the token of this name has, if there is one. */
  readonly roles: readonly string[];
  readonly action: Action;
  /** Absent where the action is about no key. */
  readonly key?: Uint8Array | undefined;
};

export type PolicyVerdict = {
  readonly allowed: boolean;
  readonly roles: readonly string[];
  /** What decided; null: no rule speaks of it, or there is no policy. */
  readonly by: { readonly rule: string; readonly source: string } | null;
  readonly inForce: boolean;
};

export class Policies {
  readonly #options: PoliciesOptions;

  constructor(options: PoliciesOptions) {
    this.#options = options;
  }

  async list(deadlineAt: number): Answer<PolicyView> {
    const { replica, policy } = this.#options;
    const confirmed = await replica.linearize(deadlineAt);
    if (!confirmed.ok) return err(readFailure(confirmed.error));
    const { exists: inForce, trouble } = policy;
    return ok({ node: replica.id, inForce, rules: policy.rules.map(view), trouble });
  }

  async add(caller: Caller, text: string, deadlineAt: number): Answer<PolicyChange> {
    const { replica, required } = this.#options;
    const rule = ruleOf(text);
    if (!rule.ok) return rule;
    if (!required) return err(refusal("policyInvalid", NOBODY_IS_KNOWN));
    const confirmed = await replica.linearize(deadlineAt);
    if (!confirmed.ok) return err(readFailure(confirmed.error));
    if (storedRules(replica).length >= limits.policyRulesMax) {
      return err(refusal("recordsFull", `There are ${limits.policyRulesMax} rules already.`));
    }
    const name = this.#nameOf(rule.value);
    return this.#change(caller, rule.value, {
      event: "policy rule added",
      check: { kind: "record", of: "policy", name, revision: 0 },
      mutation: { kind: "setRecord", of: "policy", name, body: utf8(ruleText(rule.value)) },
      otherwise: refusal("policyExists", "The cluster has this rule already."),
    }, deadlineAt);
  }

  async remove(caller: Caller, text: string, deadlineAt: number): Answer<PolicyChange> {
    const { replica } = this.#options;
    const rule = ruleOf(text);
    if (!rule.ok) return rule;
    const confirmed = await replica.linearize(deadlineAt);
    if (!confirmed.ok) return err(readFailure(confirmed.error));
    const name = this.#nameOf(rule.value);
    const found = replica.state.records("policy").find((record) => record.name === name);
    const missing = refusal("policyMissing", "The cluster has no such rule.");
    if (found === undefined) return err(missing);
    return this.#change(caller, rule.value, {
      event: "policy rule removed",
      check: { kind: "record", of: "policy", name, revision: found.revision },
      mutation: { kind: "deleteRecord", of: "policy", name },
      otherwise: missing,
    }, deadlineAt);
  }

  /** As the node that is asked would decide. */
  async test(
    { name, roles, action, key }: PolicyQuestion,
    deadlineAt: number,
  ): Answer<PolicyVerdict> {
    const { replica, policy } = this.#options;
    const confirmed = await replica.linearize(deadlineAt);
    if (!confirmed.ok) return err(readFailure(confirmed.error));
    const permissions = policy.permissions();
    if (!permissions.ok) return permissions;
    const token = storedTokens(replica).find((one) => one.name === name);
    const who: Who = { name, roles: [...new Set([...token?.check.roles ?? [], ...roles])] };
    const { value } = permissions;
    if (value === null) return ok({ allowed: true, roles: who.roles, by: null, inForce: false });
    const { allowed, by } = value.of(who).explain(action, key);
    const rule = by === null ? undefined : policy.rules.find((one) => says(one.rule, by));
    return ok({ allowed, roles: who.roles, by: rule ? view(rule) : null, inForce: true });
  }

  async #change(
    caller: Caller,
    rule: Rule,
    { event, otherwise, ...change }: Parameters<typeof changeRecord>[1] & {
      readonly event: string;
      readonly otherwise: ServiceError;
    },
    deadlineAt: number,
  ): Answer<PolicyChange> {
    const { replica, log } = this.#options;
    const changed = await changeRecord(replica, change, deadlineAt);
    if (!changed.ok) return changed;
    const { value: revision } = changed;
    if (revision === null) return err(otherwise);
    const text = ruleText(rule);
    log.info(event, { rule: text, by: caller.name ?? "nobody", revision });
    return ok({ rule: text, ...await settled(this.#options, revision) });
  }

  /** A rule may be longer than the name of a record. */
  #nameOf(rule: Rule): string {
    return hex(this.#options.hash.sha256(utf8(ruleText(rule))));
  }
}

const NOBODY_IS_KNOWN =
  "Callers do not have to prove who they are on this node, so a policy would shut all of them out: " +
  'set access.clients = "authenticated" first.';

function ruleOf(text: string): Result<Rule, ServiceError> {
  const rule = parseRule(text);
  return rule.ok ? rule : err(refusal("policyInvalid", `It is no rule: ${rule.error}.`));
}

function view({ rule, source }: SourcedRule): { rule: string; source: string } {
  return { rule: ruleText(rule), source };
}

function says(rule: Rule, [subject, prefix, action, effect]: readonly string[]): boolean {
  return rule.kind === "permission" && rule.subject === subject && rule.prefix === prefix &&
    rule.actions.some((one) => one === action) && rule.effect === effect;
}
