/** All targets, in the order of the layers they come from. */

import type { Target } from "../target.ts";
import { config } from "./config.ts";
import { requests, targets } from "./http.ts";
import { authorisedKeys, privateKeys } from "./keys.ts";
import { commands, images, memberships, outcomes, replies } from "./kv.ts";
import { greetings, peerFrames, peerMessages } from "./peers.ts";
import { policies } from "./policies.ts";
import { tokens } from "./tokens.ts";
import { directory, snapshots, wal } from "./storage.ts";

export const TARGETS: readonly Target[] = [
  memberships,
  commands,
  outcomes,
  images,
  wal,
  snapshots,
  directory,
  peerFrames,
  peerMessages,
  greetings,
  replies,
  requests,
  targets,
  config,
  authorisedKeys,
  privateKeys,
  tokens,
  policies,
];
