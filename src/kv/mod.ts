/**
 * Layer 1: the replicated state machine.
 *
 * Duty: an ordered map of byte keys to items, some of which go by themselves, a few records beside
 * it, the writes and transactions that change them, requests that happen once, their image, and the
 * history of the latest changes.
 * Invariants: pure and deterministic; numbered S1… beside the state they guard.
 * May import: base.
 */

export {
  decodeCommand,
  decodeOutcome,
  encodeCommand,
  outcomeBytesMax,
  stampCommand,
  type StampedCommand,
  writeOutcome,
} from "./command.ts";
export { describeCommand } from "./describe.ts";
export type { Change, Cursor } from "./history.ts";
export type { Image } from "./image.ts";
export { ImageLoader } from "./image_loader.ts";
export { KvState } from "./store.ts";
export type * from "./types.ts";
export type { View } from "./views.ts";
