/**
 * A mutant: the product with one mistake in it, made by one replacement in one file.
 */

export type Mutant = {
  readonly name: string;
  /** What the mistake is, in one sentence. */
  readonly story: string;
  /** From the root of the project. */
  readonly file: string;
  /** Stands in `file` exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Who is to find it: the simulator, the crash explorer of storage, or the core explorer. */
  readonly net: "sim" | "crash" | "core";
};

/** What a hunter says first: a mistake that no sources can be made of is not one that was found. */
export const LOADED = "loaded";
