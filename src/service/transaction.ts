/**
 * Transactions: what one must be, what its caller has to be allowed, and why one was not done.
 *
 * Each check and step takes its own permission, in both branches, whichever is taken: else the
 * answer would depend on what the caller may not know. Errors name the operation by its place.
 */

import { limits } from "../base/mod.ts";
import type {
  Check,
  KeyMutation,
  Outcome,
  Step,
  StepFailure,
  StepResult,
  Transaction,
} from "../kv/mod.ts";
import type { Access, Caller } from "./access.ts";
import { refusal, type ServiceError } from "./errors.ts";
import { rangeUnder } from "./list.ts";
import type { Written } from "./types.ts";
import { checkContentType, checkKey, checkLifetime, checkValue } from "./validation.ts";

type NumberStep = Extract<Step, { readonly operand: bigint }>;

export type KeyCheck = Extract<Check, { readonly key: Uint8Array }>;

export type WantedStep =
  | KeyMutation
  | NumberStep
  | { readonly kind: "get"; readonly key: Uint8Array }
  | { readonly kind: "append"; readonly key: Uint8Array; readonly value: Uint8Array }
  | {
    readonly kind: "deleteRange";
    readonly prefix: Uint8Array;
    readonly start?: Uint8Array | undefined;
    readonly end?: Uint8Array | undefined;
  };

export type TransactRequest = {
  readonly checks: readonly KeyCheck[];
  /** Done where all checks hold. */
  readonly steps: readonly WantedStep[];
  /** Done where one does not. */
  readonly elseSteps: readonly WantedStep[];
};

export type TransactAnswer = Written & {
  /** Position of the first check that did not hold; null: all did. */
  readonly failedCheck: number | null;
  /** Of the steps that were done, in their order. */
  readonly results: readonly StepResult[];
};

/** What it takes to judge a request. */
export type Judge = {
  readonly caller: Caller;
  readonly access: Access;
  readonly valueBytesMax: number;
};

/** Bytes of an operation beside its keys and values, at most. */
const OPERATION_BYTES = 64 + limits.contentTypeBytesMax;

export function transactionOf(request: TransactRequest, valueBytesMax: number): Transaction {
  const steps = (wanted: readonly WantedStep[]) =>
    wanted.map((step) => stepOf(step, valueBytesMax));
  const { checks } = request;
  return { checks, steps: steps(request.steps), elseSteps: steps(request.elseSteps) };
}

/** Why `request` cannot be done, or may not, or null. */
export function refuseTransaction(request: TransactRequest, judge: Judge): ServiceError | null {
  const { checks, steps, elseSteps } = request;
  const count = checks.length + steps.length + elseSteps.length;
  if (count > limits.operationsPerCommandMax) {
    const detail =
      `A transaction has at most ${limits.operationsPerCommandMax} checks and steps; ` +
      `this one has ${count}.`;
    return refusal("bodyInvalid", detail);
  }
  return firstRefused("checks", checks, (check) => refuseCheck(check, judge)) ??
    firstRefused("then", steps, (step) => refuseStep(step, judge)) ??
    firstRefused("else", elseSteps, (step) => refuseStep(step, judge)) ??
    refuseSize([...checks, ...steps, ...elseSteps]);
}

/** As an error that names the step. */
export function stepFailed(
  { isElse, step, reason }: Extract<Outcome, { kind: "stepFailed" }>,
  { steps, elseSteps }: TransactRequest,
  valueBytesMax: number,
): ServiceError {
  const name = (isElse ? elseSteps : steps)[step]?.kind ?? "step";
  const place = `${isElse ? "else" : "then"}[${step}]`;
  return refusal("stepFailed", `${place} (${name}): ${REASONS[reason](valueBytesMax)}`);
}

const REASONS: Readonly<Record<StepFailure, (valueBytesMax: number) => string>> = {
  notANumber: () => "The value that is there is no signed 64-bit number in decimal.",
  overflow: () => "The sum is no signed 64-bit number.",
  valueTooLong: (max) => `The value would have more than ${max} bytes.`,
  tooManyItems: () => `Up to here it is about more than ${limits.transactionItemsMax} items.`,
  tooManyBytes: () => `Up to here it writes more than ${limits.transactionBytesMax} bytes.`,
  resultsTooLong: () => `Up to here it reads more than ${limits.transactionResultBytesMax} bytes.`,
};

function firstRefused<T>(
  list: string,
  operations: readonly T[],
  refuse: (operation: T) => ServiceError | null,
): ServiceError | null {
  for (const [position, operation] of operations.entries()) {
    const refused = refuse(operation);
    if (refused !== null) return { ...refused, detail: `${list}[${position}]: ${refused.detail}` };
  }
  return null;
}

/** Who may write a key may make that depend on its revision, as with If-Match. */
function refuseCheck(check: KeyCheck, { caller, access }: Judge): ServiceError | null {
  const { kind, key } = check;
  const refused = checkKey(key);
  if (refused !== null) return refused;
  if (kind !== "value" && access.refuse(caller, "write", key) === null) return null;
  return access.refuse(caller, "read", key);
}

function refuseStep(step: WantedStep, judge: Judge): ServiceError | null {
  const { caller, access, valueBytesMax } = judge;
  if (step.kind === "deleteRange") {
    const range = rangeUnder(step.prefix, step.start, step.end);
    const bounds = [step.prefix, step.start ?? step.prefix, step.end ?? step.prefix];
    const long = bounds.find(({ length }) => length > limits.keyBytesMax);
    return (long && checkKey(long)) ?? access.refuseRange(caller, "write", range);
  }
  const { kind, key } = step;
  const reads = kind === "get" || "operand" in step;
  return checkKey(key) ??
    (reads ? access.refuse(caller, "read", key) : null) ??
    (kind === "get" ? null : access.refuse(caller, "write", key)) ??
    ("value" in step ? checkValue(step.value, valueBytesMax) : null) ??
    (kind === "put" ? checkContentType(step.contentType) ?? checkLifetime(step.lifetime) : null);
}

/** The whole of it is one command. */
function refuseSize(operations: readonly (KeyCheck | WantedStep)[]): ServiceError | null {
  let bytes = OPERATION_BYTES;
  for (const operation of operations) {
    bytes += OPERATION_BYTES;
    bytes += "key" in operation ? operation.key.length : 2 * limits.keyBytesMax;
    if ("value" in operation) bytes += operation.value.length;
  }
  if (bytes <= limits.commandBytesMax) return null;
  const detail =
    `The transaction needs up to ${bytes} bytes; ${limits.commandBytesMax} are allowed.`;
  return refusal("valueTooLarge", detail);
}

function stepOf(step: WantedStep, bytesMax: number): Step {
  if (step.kind === "append") return { ...step, bytesMax };
  if (step.kind !== "deleteRange") return step;
  return { kind: "deleteRange", range: rangeUnder(step.prefix, step.start, step.end) };
}
