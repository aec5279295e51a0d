/**
 * Assertions for programmer errors. They stay on in production: a process that has broken one of
 * its own invariants must stop before it acknowledges anything built on the broken state.
 */

/** A broken invariant or precondition. Never caught to be ignored: it ends the process. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Throws {@link AssertionError} unless `condition` holds. `message` says what was expected. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(`assertion failed: ${message}`);
}

/**
 * Throws unless the numbered invariant holds. `id` is the number printed beside the state that it
 * guards (R1, S1, W1 …), so that a failure in a test, a trace or a log leads to one paragraph.
 */
export function invariant(
  id: string,
  condition: unknown,
  detail: () => string,
): asserts condition {
  if (!condition) throw new AssertionError(`invariant ${id} broken: ${detail()}`);
}

/** Marks the impossible branch of an exhaustive switch; a forgotten case fails to compile. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable value: ${JSON.stringify(value)}`);
}
