/**
 * Layer 3: the replica.
 */

export type * from "./types.ts";
