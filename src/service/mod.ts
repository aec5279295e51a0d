/**
 * Layer 3: the one API that every protocol calls.
 *
 * Duty: validation, conditions, deadlines, permissions by operation, and the table of error codes.
 * Invariants:
 * - every refusal and failure is a row of `errorTable`; nothing is thrown to a caller;
 * - a refused request has had no effect; the effect of a failed write is what the replica reports;
 * - the same request means the same through every protocol, because only this folder decides.
 * May import: base, keys, access, node; kv types.
 */

export type { ClusterStatus, MemberStatus, NodeMetrics, NodeStatus } from "../node/mod.ts";
export type { Cursor, Item, Lifetime, Revision, StepResult } from "../kv/mod.ts";
export { type Access, type Caller, type Credentials, nobody, type Sees } from "./access.ts";
export {
  type Effect,
  type ErrorCode,
  type ErrorRow,
  errorTable,
  explain,
  refusal,
  type ServiceError,
} from "./errors.ts";
export { Authentication, makeOperatorToken, type OperatorToken } from "./authentication.ts";
export { GuardedAccess } from "./guarded_access.ts";
export { type Operation, type OperationName, operations, type Permission } from "./operations.ts";
export {
  byNode,
  KeyRing,
  type KeySource,
  type KeysView,
  type NodeKey,
  type NodeKeys,
  type OwnKey,
} from "./key_ring.ts";
export type { ListAnswer, Listed, ListRequest } from "./list.ts";
export {
  Policies,
  type PolicyChange,
  type PolicyQuestion,
  type PolicyVerdict,
  type PolicyView,
} from "./policies.ts";
export { type PolicyFiles, PolicyInForce } from "./policy_in_force.ts";
export { Service, type ServiceOptions } from "./service.ts";
export { type NewToken, type TokenChange, Tokens, type TokenView } from "./tokens.ts";
export type { KeyCheck, TransactAnswer, TransactRequest, WantedStep } from "./transaction.ts";
export type * from "./types.ts";
export type { Watch, WatchEvent, WatchRequest } from "./watch.ts";
