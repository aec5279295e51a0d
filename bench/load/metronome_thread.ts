/** The thread of the metronome: counts up at each beat and wakes whoever waits for it. */

import { BEAT_MS } from "./metronome.ts";

const scope = globalThis as unknown as { onmessage: (event: MessageEvent<Int32Array>) => void };

scope.onmessage = ({ data }): void => {
  const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  for (let next = performance.now();; next += BEAT_MS) {
    Atomics.wait(never, 0, 0, Math.max(0, next - performance.now()));
    Atomics.add(data, 0, 1);
    Atomics.notify(data, 0);
  }
};
