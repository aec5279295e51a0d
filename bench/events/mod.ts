/** All experiments. */

import { diskBytes, durability } from "./disk.ts";
import type { Experiment } from "./experiment.ts";
import { failover } from "./failover.ts";
import { idle } from "./idle.ts";
import { million, restart } from "./restart.ts";
import { snapshots } from "./snapshots.ts";

export const EXPERIMENTS: readonly Experiment[] = [
  restart,
  million,
  failover,
  snapshots,
  diskBytes,
  durability,
  idle,
];
