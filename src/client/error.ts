/**
 * The one error that the client throws.
 */

/** Whether a request changed anything: certainly not, or nobody can tell. */
export type Effect = "none" | "unknown";

export type KevaErrorDetails = {
  readonly code: string;
  readonly effect: Effect;
  readonly message: string;
  /** What the caller can do about it. */
  readonly next: string;
  /** The HTTP status, when a node answered. */
  readonly status?: number | undefined;
  /** The revision that the key has, 0 for none: with `conditionFailed`. */
  readonly revision?: number | undefined;
  /** The node that leads, where the one that answered knows it. */
  readonly leader?: string | undefined;
  readonly cause?: unknown;
};

/**
 * A call that failed. `code` is the node's own (`noLeader`, `valueTooLarge`, …) or one of the
 * client's: `unreachable`, `tlsFailed`, `connectionLost`, `timeout`, `aborted`, `notKeva`, `badEndpoint`.
 */
export class KevaError extends Error {
  override readonly name = "KevaError";
  readonly code: string;
  readonly effect: Effect;
  readonly next: string;
  readonly status: number | undefined;
  readonly revision: number | undefined;
  readonly leader: string | undefined;

  constructor(details: KevaErrorDetails) {
    super(details.message, details.cause === undefined ? {} : { cause: details.cause });
    this.code = details.code;
    this.effect = details.effect;
    this.next = details.next;
    this.status = details.status;
    this.revision = details.revision;
    this.leader = details.leader;
  }
}

/** What to do when nobody knows whether a write happened. */
export const FIND_OUT = "Read the key to see whether the write happened before you send it again.";

/**
 * Reads `application/problem+json`. An answer in any other form did not come from Keva, and says
 * nothing about whether the request took effect.
 */
export async function errorOf(response: Response, isWrite: boolean): Promise<KevaError> {
  const problem = await problemOf(response);
  const { status } = response;
  if (problem === null) {
    const effect = isWrite ? "unknown" : "none";
    return new KevaError({
      code: "notKeva",
      effect,
      message: `${response.url} answered ${status} in a form that Keva does not use`,
      next: "Check that the endpoint is the user_port of a node.",
      status,
    });
  }
  const { code, detail, title, next, revision, leader } = problem;
  return new KevaError({
    code: typeof code === "string" ? code : "unknown",
    // Anything but a clear "none" leaves the outcome of a write open.
    effect: problem["effect"] === "none" || !isWrite ? "none" : "unknown",
    message: String(detail ?? title ?? `the node answered ${status}`),
    next: typeof next === "string" ? next : "",
    status,
    revision: typeof revision === "number" ? revision : undefined,
    leader: typeof leader === "string" ? leader : undefined,
  });
}

async function problemOf(response: Response): Promise<Record<string, unknown> | null> {
  if (!response.headers.get("content-type")?.startsWith("application/problem+json")) {
    await response.body?.cancel();
    return null;
  }
  try {
    const problem: unknown = await response.json();
    return typeof problem === "object" ? problem as Record<string, unknown> | null : null;
  } catch {
    return null;
  }
}
