/** What a fuzz target is: a decoder, inputs to start from, and what must hold for every input. */

import type { SeededRandom } from "../support/seeded_random.ts";

export type Target = {
  readonly name: string;
  /** Sound inputs; the kept corpus comes on top. */
  readonly seeds: () => readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  /** Words of the format, in ASCII. */
  readonly tokens?: readonly string[];
  /** Makes checksums fit again, in place, so that what they guard is reached. */
  readonly repair?: (bytes: Uint8Array, random: SeededRandom) => void;
  /** Cases of a short run. */
  readonly smokeCases: number;
  /** Bytes that a case may allocate whatever its input: buffers of a fixed size. */
  readonly allocationBytesBase?: number;
  /**
   * Throws when something does not hold. Else says what became of the input: those that lead to
   * something new are kept to be changed further.
   */
  readonly run: (input: Uint8Array) => string | Promise<string>;
};
