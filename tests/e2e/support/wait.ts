/** Waiting for a state instead of a time. */

const POLL_MS = 20;

/** Polls until `look` gives something, and says what was awaited when the deadline passes first. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 15_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  while (true) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await pause(POLL_MS);
  }
}

/** Lets time pass: only for a duration that is itself part of a test, never to wait for a state. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
