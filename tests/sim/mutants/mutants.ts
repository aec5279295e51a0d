/** Every mutant, by the part of the product that has the mistake. */

import type { Mutant } from "./mutant.ts";
import { PROTOCOL_MUTANTS } from "./protocol.ts";
import { REPLICA_MUTANTS } from "./replica.ts";
import { STORAGE_MUTANTS } from "./storage.ts";

export const MUTANTS: readonly Mutant[] = [
  ...STORAGE_MUTANTS,
  ...PROTOCOL_MUTANTS,
  ...REPLICA_MUTANTS,
];
