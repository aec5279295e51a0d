/**
 * Casbin with the model that Keva ships. It is loaded when the first policy appears: a node without
 * one, and every other command, does without its code.
 *
 * Casbin takes its rules asynchronously only because they may come from a database. Ours are there
 * already, so they are put into its model directly and every decision is made in one turn.
 */

import type { Enforcer } from "casbin";
import { assert } from "../base/mod.ts";
import { type Action, roleSubject, type Rule } from "./rule.ts";

/** What Casbin's own files would hold; `begins` compares key and prefix byte by byte. */
export const MODEL = `
[request_definition]
r = sub, obj, act

[policy_definition]
p = sub, obj, act, eft

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = r.act == p.act && begins(r.obj, p.obj) && g(r.sub, p.sub)
`;

export type Casbin = typeof import("casbin");

export function loadCasbin(): Promise<Casbin> {
  return import("casbin");
}

export function begins(key: string, prefix: string): boolean {
  return key.startsWith(prefix);
}

/** Rows as Casbin has them: one for each action. */
export type Row = [subject: string, prefix: string, action: Action, effect: string];

export function rowsOf(rules: readonly Rule[]): Row[] {
  return rules.flatMap((rule) => {
    if (rule.kind === "role") return [];
    const { subject, prefix, actions, effect } = rule;
    return actions.map((action): Row => [subject, prefix, action, effect]);
  });
}

export class Judge {
  readonly #enforcer: Enforcer;
  readonly #rows: { policy: string[][] };
  readonly #roles: { addLink(name: string, role: string): unknown };

  constructor(casbin: Casbin, rules: readonly Rule[]) {
    const model = casbin.newModelFromString(MODEL);
    this.#enforcer = new casbin.Enforcer();
    this.#enforcer.setModel(model);
    void this.#enforcer.addFunction("begins", begins);
    const rows = model.model.get("p")?.get("p");
    const roles = model.model.get("g")?.get("g");
    assert(rows !== undefined && roles !== undefined, "the model has rules and roles");
    this.#rows = rows;
    this.#roles = roles.rm;
    for (const rule of rules) {
      if (rule.kind === "role") this.link(rule.name, roleSubject(rule.role));
    }
  }

  /** From now on `subject` may do what `other` may. */
  link(subject: string, other: string): void {
    void this.#roles.addLink(subject, other); // has happened when it returns
  }

  /** What Casbin says when `rows` are all rules, and by which of them. */
  decide(
    rows: Row[],
    subject: string,
    key: string,
    action: Action,
  ): { readonly allowed: boolean; readonly by: Row | null } {
    this.#rows.policy = rows;
    const [allowed, by] = this.#enforcer.enforceExSync(subject, key, action);
    return { allowed, by: by.length === 0 ? null : by as Row };
  }
}
