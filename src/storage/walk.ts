/**
 * Reads one segment from its head to the first frame that is not sound, and takes a row of the
 * decision table there. Recovery and `keva inspect` both walk this way, so they see the same.
 */

import type { Hash, Result } from "../base/mod.ts";
import {
  decide,
  FRAME_TABLE,
  type FrameConditions,
  SEGMENT_TABLE,
  type SegmentConditions,
  type Verdict,
} from "./decision.ts";
import {
  allZero,
  type Frame,
  FRAME_KINDS,
  frameBytes,
  HEADER_BYTES,
  headerSectorMissing,
  type ParsedFrame,
  parseFrame,
  parseHeader,
  zeroSectors,
} from "./frame.ts";
import {
  compareOwner,
  HEAD_SEED,
  type Owner,
  readSegmentHead,
  recordsSeed,
  type SegmentHead,
} from "./segment.ts";

/** Where the chain stands: the last sound frame. */
export type ChainEnd = { readonly sequence: number; readonly check: number };

export type SegmentInput = {
  readonly bytes: Uint8Array;
  readonly hash: Hash;
  /** The sequence in the file's name. */
  readonly named: number;
  /** Whose log it must be; undefined takes the head at its word, as `keva inspect` does. */
  readonly owner: Owner | undefined;
  /** Where the segment before it ended; undefined for the oldest. */
  readonly after: ChainEnd | undefined;
  /** Whether newer segments stand in the directory. */
  readonly newerSegments: boolean;
};

export type SegmentVisitor = {
  head(head: SegmentHead, frame: Frame): Result<void, string>;
  records(frame: Frame, offset: number): Result<void, string>;
};

/** How the walk ended. `row.action` is `accept` only when it reached the end of the log. */
export type SegmentWalk = {
  readonly row: Verdict<"accept" | "cut" | "refuse">;
  /** The end of the last sound frame, which is where the unsound one starts. */
  readonly offset: number;
  /** More about the reason, when there is more to say. */
  readonly detail: string | undefined;
  /** The last sound frame, undefined when the head is not sound. */
  readonly end: ChainEnd | undefined;
  readonly lastFrameOffset: number;
};

export function walkSegment(input: SegmentInput, visitor: SegmentVisitor): SegmentWalk {
  const { bytes, hash } = input;
  const parsed = parseFrame(bytes, 0, { hash, seed: HEAD_SEED });
  if (parsed.state !== "sound") {
    const state = parsed.state === "newer" ? "newer" : "damaged";
    return headless(decide(SEGMENT_TABLE, { head: state, ...NO_HEAD }), undefined);
  }
  const { frame } = parsed;
  const head = readSegmentHead(frame.payload);
  if (frame.header.kind !== "segment" || !head.ok) {
    const detail = head.ok ? `it is a frame of kind ${frame.header.kind}` : head.error;
    return headless(decide(SEGMENT_TABLE, { head: "damaged", ...NO_HEAD }), detail);
  }
  const place = placeOf(frame, input);
  const owner = input.owner === undefined ? "same" : compareOwner(head.value, input.owner);
  const row = decide(SEGMENT_TABLE, { head: "sound", owner, place });
  if (row.action === "refuse") return headless(row, describePlace(frame, input, place));
  const taken = visitor.head(head.value, frame);
  if (!taken.ok) {
    const conditions: SegmentConditions = { head: "sound", owner, place: "contradicts" };
    return headless(decide(SEGMENT_TABLE, conditions), taken.error);
  }
  return walkFrames(input, visitor, { frame, seed: recordsSeed(hash, head.value.directory) });
}

/** A head that cannot be read says nothing of owner and place. */
const NO_HEAD = { owner: "same", place: "oldest" } as const;

function headless(row: SegmentWalk["row"], detail: string | undefined): SegmentWalk {
  return { row, offset: 0, detail, end: undefined, lastFrameOffset: 0 };
}

function placeOf(frame: Frame, input: SegmentInput): SegmentConditions["place"] {
  const { sequence, previous } = frame.header;
  if (sequence !== input.named) return "misnamed";
  if (input.after === undefined) return "oldest";
  if (sequence !== input.after.sequence + 1) return "gap";
  return previous === input.after.check ? "follows" : "unchained";
}

function describePlace(frame: Frame, input: SegmentInput, place: string): string | undefined {
  if (place !== "gap" || input.after === undefined) return undefined;
  return `frame ${input.after.sequence + 1} is missing, ` +
    `this segment starts with frame ${frame.header.sequence}`;
}

function walkFrames(
  input: SegmentInput,
  visitor: SegmentVisitor,
  start: { frame: Frame; seed: number },
): SegmentWalk {
  const { bytes, hash } = input;
  const { seed } = start;
  let { frame } = start;
  let offset = frame.endOffset;
  let lastFrameOffset = 0;
  for (;;) {
    const end = { sequence: frame.header.sequence, check: frame.header.check };
    const walk = { offset, end, lastFrameOffset };
    if (offset === bytes.length) return { ...walk, row: SOUND, detail: undefined };
    if (allZero(bytes, offset, bytes.length)) return { ...walk, row: BLANK, detail: undefined };
    const parsed = parseFrame(bytes, offset, { hash, seed });
    const judged = judgeFrame(input, parsed, { offset, end, seed });
    if (judged.action !== "accept" || parsed.state !== "sound") {
      return { ...walk, row: judged, detail: describeDamage(parsed, end) };
    }
    const taken = visitor.records(parsed.frame, offset);
    if (!taken.ok) return { ...walk, row: UNREADABLE, detail: taken.error };
    frame = parsed.frame;
    lastFrameOffset = offset;
    offset = frame.endOffset;
  }
}

const UNHARMED = { missingSector: false, followed: false } as const;
const SOUND = decide(FRAME_TABLE, { frame: "sound", ...UNHARMED });
const BLANK = decide(FRAME_TABLE, { frame: "blank", ...UNHARMED });
const UNREADABLE = decide(FRAME_TABLE, { frame: "unreadable", ...UNHARMED });

function judgeFrame(
  input: SegmentInput,
  parsed: ParsedFrame,
  place: { offset: number; end: ChainEnd; seed: number },
): Verdict<"accept" | "cut" | "refuse"> {
  const { offset, end } = place;
  const frame = frameCondition(parsed, end);
  if (frame === "sound") return SOUND;
  const harmed = frame === "damaged" || frame === "cut";
  return decide(FRAME_TABLE, {
    frame,
    missingSector: harmed && sectorMissing(input.bytes, offset, parsed),
    followed: harmed && (input.newerSegments || soundFrameBehind(input, place) !== undefined),
  });
}

function frameCondition(parsed: ParsedFrame, end: ChainEnd): FrameConditions["frame"] {
  switch (parsed.state) {
    case "cut":
      return "cut";
    case "newer":
      return "newer";
    case "header":
    case "payload":
      return "damaged";
    case "sound": {
      const { kind, sequence, previous } = parsed.frame.header;
      const chained = sequence === end.sequence + 1 && previous === end.check;
      return chained && kind === "records" ? "sound" : "unchained";
    }
  }
}

function sectorMissing(bytes: Uint8Array, offset: number, parsed: ParsedFrame): boolean {
  if (parsed.state === "header") return headerSectorMissing(bytes, offset);
  if (parsed.state !== "payload" || parsed.header === undefined) return false;
  const { zeros, lengthBytes } = parsed.header;
  const frame = bytes.subarray(offset, offset + frameBytes(lengthBytes));
  return zeroSectors(frame, offset) > zeros;
}

/** The offset of a sound records frame behind `offset` whose sequence is past the expected one. */
export function soundFrameBehind(
  input: { bytes: Uint8Array; hash: Hash },
  place: { offset: number; end: ChainEnd; seed: number },
): number | undefined {
  const { bytes, hash } = input;
  const options = { hash, seed: place.seed };
  for (let at = place.offset + 8; at + HEADER_BYTES <= bytes.length; at += 8) {
    if (bytes[at + 4] !== FRAME_KINDS.records) continue; // spares most positions the check
    const header = parseHeader(bytes, at, options);
    if (header === undefined || header.sequence <= place.end.sequence + 1) continue;
    if (parseFrame(bytes, at, options).state === "sound") return at;
  }
  return undefined;
}

function describeDamage(parsed: ParsedFrame, end: ChainEnd): string | undefined {
  const expected = `frame ${end.sequence + 1}`;
  switch (parsed.state) {
    case "cut":
      return `${expected} is cut short`;
    case "header":
      return `the header of ${expected} does not match its check`;
    case "payload":
      return `the payload of ${expected} does not match its check`;
    case "newer":
      return `${expected} has version ${parsed.header?.version}`;
    case "sound":
      return `${expected} was expected, frame ${parsed.frame.header.sequence} found`;
  }
}

/** A row's reason together with what was found. */
export function explain(reason: string, detail: string | undefined): string {
  return detail === undefined ? reason : `${reason} (${detail})`;
}
