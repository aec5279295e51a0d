/**
 * Layer 4: the real world behind the ports.
 *
 * Duty: implement every port of `src/base/ports.ts` on the operating system, and give access to
 * this process (arguments, streams, signals, children).
 * Invariants: the only folder (with `main.ts`) that may name `Deno`, `node:` or the wall clock;
 * each port passes the same contract suite as its simulated counterpart.
 * May import: base.
 */

export * from "./clock.ts";
export * from "./disk.ts";
export * from "./hash.ts";
export * from "./log.ts";
export * from "./network.ts";
export * from "./process.ts";
export * from "./random.ts";
