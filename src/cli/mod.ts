/**
 * Layer 4: the command line.
 *
 * Duty: one file per command; turns arguments into calls and answers into text, exit codes and
 * single sentences about what went wrong, where, and what to do.
 * Invariants: exit code 0 done, 1 failed, 2 wrong usage; results on standard output, everything
 * else on standard error; values are never decoded as text; never a stack trace.
 * May import: base, client, config; storage and kv for `inspect`; types of node for `serve`. The
 * world comes in by `Context`.
 */

export type { Context, RunningNode, StartOptions } from "./context.ts";
export { reportCrash, run } from "./run.ts";
