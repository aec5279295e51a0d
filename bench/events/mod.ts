/** All experiments. */

import { access } from "./access.ts";
import { diskBytes, durability } from "./disk.ts";
import type { Experiment } from "./experiment.ts";
import { failover } from "./failover.ts";
import { fiveMillion, million } from "./growth.ts";
import { idle } from "./idle.ts";
import { keys, trust } from "./keys.ts";
import { many } from "./many.ts";
import { once } from "./once.ts";
import { restart } from "./restart.ts";
import { snapshots } from "./snapshots.ts";
import { watching } from "./watching.ts";

export const EXPERIMENTS: readonly Experiment[] = [
  restart,
  million,
  fiveMillion,
  failover,
  snapshots,
  diskBytes,
  durability,
  idle,
  keys,
  trust,
  access,
  watching,
  many,
  once,
];
