/**
 * One rule of a policy, in the text that Casbin's CSV files use:
 *
 * ```
 * p, SUBJECT, KEY-PREFIX, ACTION[, allow|deny]    SUBJECT: a name, or role:NAME
 * g, NAME, role:NAME                              who has that name has that role
 * ```
 *
 * A prefix stands as it would in a URL: a comma as `%2C`, and so any byte. `*` is every key, and the
 * only thing that can stand where an action is about no key.
 */

import { err, latin1Text, limits, ok, printableText, type Result, utf8 } from "../base/mod.ts";

/** What a caller can be allowed to do. */
export const ACTIONS = ["read", "write", "watch", "inspect", "admin"] as const;

export type Action = typeof ACTIONS[number];

/** What may stand for an action: those themselves, and the words of mökv. */
const WORDS: Readonly<Record<string, readonly Action[]>> = {
  ...Object.fromEntries(ACTIONS.map((action) => [action, [action]])),
  consume: ["read", "watch"],
  produce: ["write"],
};

export type Effect = "allow" | "deny";

export type Rule =
  | {
    readonly kind: "permission";
    readonly subject: string;
    /** One character per byte; empty: every key. */
    readonly prefix: string;
    /** As it was written. */
    readonly word: string;
    readonly actions: readonly Action[];
    readonly effect: Effect;
  }
  | { readonly kind: "role"; readonly name: string; readonly role: string };

const ROLE = "role:";
/**
 * Of tokens, roles and certificates: what may stand in logs and on command lines without an escape;
 * and without a colon, so that no name can begin with `role:`.
 */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
/** What stands for itself in a prefix; all other bytes are escaped. */
const PLAIN = /^[A-Za-z0-9._~:/?#[\]@!$&'()+;=|^`{}<>\\-]$/;

/** Whether `text` can be the name of a caller or of a role. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** How a role stands among subjects, where names stand too. */
export function roleSubject(role: string): string {
  return ROLE + role;
}

/** The rule on one line, or one sentence on why there is none. */
export function parseRule(line: string): Result<Rule, string> {
  if (line.length > limits.policyRuleBytesMax) {
    return err(`a rule has at most ${limits.policyRuleBytesMax} characters`);
  }
  const [kind, ...fields] = line.split(",").map((field) => field.trim());
  if (line.includes('"')) return err("quotes have no meaning here: write %22 for one in a prefix");
  if (kind === "p") return parsePermission(fields);
  if (kind === "g") return parseRole(fields);
  return err('a rule begins with "p," (who may do what) or "g," (who has which role)');
}

function parsePermission(fields: readonly string[]): Result<Rule, string> {
  const [subject = "", prefixText = "", word = "", effect = "allow"] = fields;
  if (fields.length < 3 || fields.length > 4) {
    return err('behind "p," stand a subject, a key prefix, an action and perhaps allow or deny');
  }
  const role = subject.startsWith(ROLE) ? subject.slice(ROLE.length) : subject;
  if (!isName(role)) return err(`${quoted(subject)} is no subject: a name, or role:NAME`);
  const actions = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
  if (actions === undefined) {
    return err(`${quoted(word)} is no action: ${Object.keys(WORDS).join(", ")}`);
  }
  if (effect !== "allow" && effect !== "deny") {
    return err(`${quoted(effect)} is neither allow nor deny`);
  }
  const prefix = parsePrefix(prefixText);
  if (!prefix.ok) return prefix;
  if (prefix.value !== "" && actions.some((action) => !isAboutKeys(action))) {
    return err(`${word} is about no key: write * in place of ${quoted(prefixText)}`);
  }
  return ok({ kind: "permission", subject, prefix: prefix.value, word, actions, effect });
}

function parseRole(fields: readonly string[]): Result<Rule, string> {
  const [name = "", role = ""] = fields;
  if (fields.length !== 2) return err('behind "g," stand a name and a role');
  if (name.startsWith(ROLE)) return err("a role has no roles: only a name can have some");
  if (!isName(name)) return err(`${quoted(name)} is no name`);
  if (!role.startsWith(ROLE) || !isName(role.slice(ROLE.length))) {
    return err(`${quoted(role)} is no role: one is written as role:NAME`);
  }
  return ok({ kind: "role", name, role: role.slice(ROLE.length) });
}

function isAboutKeys(action: Action): boolean {
  return action !== "inspect" && action !== "admin";
}

function parsePrefix(text: string): Result<string, string> {
  if (text === "*") return ok("");
  if (text === "") return err("the key prefix is missing: * is every key");
  if (text.includes("*")) {
    return err(`a prefix stands for all that begins with it: leave out the * in ${quoted(text)}`);
  }
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) {
    return err(`behind % stand two hexadecimal digits, not as in ${quoted(text)}`);
  }
  const prefix = latin1Text(utf8(text)).replace(
    /%(..)/g,
    (_escape, digits: string) => String.fromCharCode(parseInt(digits, 16)),
  );
  return prefix.length <= limits.keyBytesMax
    ? ok(prefix)
    : err(`a key has at most ${limits.keyBytesMax} bytes, and so has a prefix`);
}

/** The rule as one line; the same for rules that say the same in the same words. */
export function ruleText(rule: Rule): string {
  if (rule.kind === "role") return `g, ${rule.name}, ${roleSubject(rule.role)}`;
  const { subject, prefix, word, effect } = rule;
  const line = `p, ${subject}, ${prefixText(prefix)}, ${word}`;
  return effect === "allow" ? line : `${line}, deny`;
}

function prefixText(prefix: string): string {
  if (prefix === "") return "*";
  return [...prefix].map((char) => PLAIN.test(char) ? char : escaped(char.charCodeAt(0))).join("");
}

function escaped(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

function quoted(text: string): string {
  return `"${printableText(text.slice(0, 64))}"`;
}
