/**
 * Layer 1: what callers may do.
 *
 * Duty: the rules of a policy as text, the model by which Casbin judges them, and its decisions kept
 * so that the next one costs a look-up.
 * Invariants: a decision is exactly what Casbin says about all rules together; what no rule allows is
 * refused; a caller's name never counts as a role, nor a role as a name.
 * May import: base.
 */

export { type Casbin, loadCasbin } from "./casbin.ts";
export { type Grants, Permissions, type Who } from "./permissions.ts";
export { parsePolicy, readPolicyFiles, type SourcedRule } from "./policy_book.ts";
export { type Action, ACTIONS, isName, parseRule, type Rule, ruleText } from "./rule.ts";
