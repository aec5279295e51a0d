/**
 * Layer 0: what every other folder stands on.
 *
 * Duty: assertions, results, byte codecs, bounded queues, limits, meters, and the ports through
 * which the outside world is reached.
 * Invariants: no state, no I/O, no time, no randomness.
 * May import: nothing.
 */

export * from "./assert.ts";
export * from "./bell.ts";
export * from "./bytes.ts";
export * from "./half_sip_hash.ts";
export * from "./limits.ts";
export * from "./meters.ts";
export * from "./order.ts";
export * from "./ports.ts";
export * from "./queue.ts";
export * from "./result.ts";
export * from "./secret.ts";
export * from "./text.ts";
