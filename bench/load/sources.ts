/** Where the requests of a job come from, and when they are due. */

import { type Data, KEY_BYTES, keysOf, type Workload } from "../workload.ts";
import type { Request, Source } from "./clients.ts";
import { BEAT_MS, beats } from "./metronome.ts";

/** A source that goes on until it is ended. */
export type Endless = { readonly source: Source; end(): void };

/** A write of each key. */
export function eachKey(data: Data): Source {
  const keyAt = keyReader(data);
  let written = 0;
  return () =>
    written === data.keys
      ? null
      : { operation: "write", key: keyAt(written++), dueAt: performance.now() };
}

export function requestsOf(workload: Workload): Endless {
  const { data, readShare, hot, perSecond } = workload;
  const keyAt = keyReader(data);
  const keys = hot ? 1 : data.keys;
  const draw = (dueAt: number): Request => ({
    operation: Math.random() < readShare ? "read" : "write",
    key: keyAt(Math.floor(Math.random() * keys)),
    dueAt,
  });
  return perSecond === null ? closedLoop(draw) : paced(draw, perSecond);
}

type Draw = (dueAt: number) => Request;

/** Due as soon as a client asks. */
function closedLoop(draw: Draw): Endless {
  let ended = false;
  return {
    source: () => ended ? null : draw(performance.now()),
    end: () => void (ended = true),
  };
}

/**
 * Due at a steady rate, at the beat that follows. While no client is free, what is due waits, and
 * its latency grows: a pause of the system delays everything that would have come meanwhile.
 */
function paced(draw: Draw, perSecond: number): Endless {
  const startedAt = performance.now();
  const dueAt = (number: number): number =>
    startedAt + Math.ceil(number * 1000 / perSecond / BEAT_MS) * BEAT_MS;
  const free: ((request: Request | null) => void)[] = [];
  let given = 0;
  let ended = false;
  const isDue = (): boolean => dueAt(given) <= performance.now();
  void beats(() => {
    while (free.length > 0 && (ended || isDue())) {
      free.shift()?.(ended ? null : draw(dueAt(given++)));
    }
    return !ended;
  });
  return {
    source: () => {
      if (ended) return null;
      return isDue() ? draw(dueAt(given++)) : new Promise((resolve) => free.push(resolve));
    },
    end: () => void (ended = true),
  };
}

function keyReader(data: Data): (number: number) => Uint8Array {
  const bytes = keysOf(data);
  return (number) => bytes.subarray(number * KEY_BYTES, (number + 1) * KEY_BYTES);
}
