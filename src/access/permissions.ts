/**
 * What each caller may do under one policy, as Casbin decides it.
 *
 * A rule speaks of a prefix, so the keys between two ends of prefixes are all alike. Casbin is asked
 * once for each such stretch that somebody comes upon, caller and action; after that a decision is a
 * search among few texts. It is asked about the rules that can matter there: since it goes by rules
 * that match, all rules together would give the same answer.
 */

import { latin1Text, limits } from "../base/mod.ts";
import { type Casbin, Judge, type Row, rowsOf } from "./casbin.ts";
import { type Action, ACTIONS, isName, roleSubject, type Rule } from "./rule.ts";
import { type Range, Stretches } from "./stretches.ts";

export type Who = { readonly name: string | null; readonly roles: readonly string[] };

/** A subject of Casbin, and all those that it is too. */
type Subject = { readonly id: string; readonly all: ReadonlySet<string> };

export class Permissions {
  readonly #casbin: Casbin;
  readonly #rules: readonly Rule[];
  readonly #rows: readonly Row[];
  readonly #known = new Map<string, Grants>();
  /** The same by the object that callers mostly come as, which spares putting his name together. */
  readonly #ofCaller = new WeakMap<Who, Grants>();
  #judge: Judge;

  constructor(casbin: Casbin, rules: readonly Rule[]) {
    this.#casbin = casbin;
    this.#rules = rules;
    this.#rows = rowsOf(rules);
    this.#judge = new Judge(casbin, rules);
  }

  of(who: Who): Grants {
    const known = this.#ofCaller.get(who);
    if (known !== undefined) return known;
    const grants = this.#byName(who);
    this.#ofCaller.set(who, grants);
    return grants;
  }

  #byName(who: Who): Grants {
    const key = `${who.name ?? ""} ${who.roles.join(" ")}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= limits.knownCallersMax) {
      this.#known.clear();
      this.#judge = new Judge(this.#casbin, this.#rules); // without the links of all those
    }
    const grants = new Grants(this.#judge, this.#rows, this.#subject(who));
    this.#known.set(key, grants);
    return grants;
  }

  /**
   * A subject of the caller's own, who may do what his name and his roles may. It has a space, which
   * stands in no name and in no role.
   */
  #subject({ name, roles }: Who): Subject {
    const id = `caller ${this.#known.size}`;
    // What is no name could be one of the other subjects.
    const others = [
      ...name !== null && isName(name) ? [name] : [],
      ...roles.filter(isName).map(roleSubject),
    ];
    for (const other of others) this.#judge.link(id, other);
    const ofName = this.#rules.flatMap((rule) =>
      rule.kind === "role" && rule.name === name ? [roleSubject(rule.role)] : []
    );
    return { id, all: new Set([...others, ...ofName]) };
  }
}

/** What one caller may do. */
export class Grants {
  readonly #judge: Judge;
  readonly #rows: readonly Row[];
  readonly #id: string;
  readonly #stretches: Readonly<Record<Action, Stretches>>;

  constructor(judge: Judge, rows: readonly Row[], { id, all }: Subject) {
    this.#judge = judge;
    this.#rows = rows;
    this.#id = id;
    const own = rows.filter(([subject]) => all.has(subject));
    const stretchesOf = (action: Action): Stretches =>
      new Stretches(
        own.filter((row) => row[2] === action),
        (matching, key) => judge.decide(matching, id, key, action).allowed,
      );
    this.#stretches = Object.fromEntries(
      ACTIONS.map((action) => [action, stretchesOf(action)]),
    ) as Record<Action, Stretches>;
  }

  /** Without a key where the action is about none. */
  allows(action: Action, key?: Uint8Array): boolean {
    return this.#stretches[action].allows(key === undefined ? "" : latin1Text(key));
  }

  /** Whether every key from `start` on is allowed, up to but without `end`; null: to the last one. */
  allowsAll(action: Action, start: Uint8Array, end: Uint8Array | null): boolean {
    return this.#stretches[action].allowsAll(
      latin1Text(start),
      end === null ? null : latin1Text(end),
    );
  }

  /** All keys that are allowed, in order. */
  ranges(action: Action): readonly Range[] {
    return this.#stretches[action].ranges;
  }

  /** All that the rules say of this caller and `action`: while it is the same, so is what he may. */
  basis(action: Action): string {
    return this.#stretches[action].basis;
  }

  /** What `allows` says, by Casbin and all rules; and the rule that decided, null where none did. */
  explain(
    action: Action,
    key?: Uint8Array,
  ): { readonly allowed: boolean; readonly by: Row | null } {
    const text = key === undefined ? "" : latin1Text(key);
    return this.#judge.decide([...this.#rows], this.#id, text, action);
  }
}
