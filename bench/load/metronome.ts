/**
 * A beat every millisecond, exact to a fraction of one. The timers of the runtime come one to three
 * milliseconds late, which would be taken for latency of the system under test; a thread that
 * sleeps in `Atomics.wait` does better.
 */

export const BEAT_MS = 1;

/** Calls `onBeat` at each beat until it returns false. */
export async function beats(onBeat: () => boolean): Promise<void> {
  const count = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const thread = new Worker(new URL("./metronome_thread.ts", import.meta.url), { type: "module" });
  thread.postMessage(count);
  let seen = 0;
  do {
    await Atomics.waitAsync(count, 0, seen).value;
    seen = Atomics.load(count, 0);
  } while (onBeat());
  thread.terminate();
}
