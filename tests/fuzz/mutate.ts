/**
 * Makes inputs from inputs: what a decoder must stand is rarely random, mostly nearly right.
 */

import type { SeededRandom } from "../support/seeded_random.ts";

export const INPUT_BYTES_MAX = 16 * 1024;

/** Where length fields, counters and indexes turn over. */
const EXTREMES = [
  0,
  1,
  0x7f,
  0x80,
  0xff,
  0x7fff,
  0xffff,
  2 ** 21,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];

type Mutation = (bytes: Uint8Array, random: SeededRandom, tools: Tools) => Uint8Array;

export type Tools = {
  /** Any input of the pool, to take a piece from. */
  readonly other: () => Uint8Array;
  /** Words of the format. */
  readonly tokens: readonly Uint8Array[];
};

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  setInteger,
  setInteger,
  truncate,
  removePiece,
  repeatPiece,
  insertNoise,
  insertToken,
  replaceByToken,
  splice,
  movePiece,
];

/** The input with a few changes, most often one or two. */
export function mutate(input: Uint8Array, random: SeededRandom, tools: Tools): Uint8Array {
  let bytes: Uint8Array = input.slice();
  do {
    const mutation = MUTATIONS[random.below(MUTATIONS.length)] as Mutation;
    bytes = mutation(bytes, random, tools);
  } while (random.chance(2, 5));
  return bytes.length > INPUT_BYTES_MAX ? bytes.slice(0, INPUT_BYTES_MAX) : bytes;
}

export function noise(random: SeededRandom): Uint8Array {
  return random.bytes(random.below(random.chance(1, 8) ? 600 : 40));
}

function flipBit(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  if (bytes.length === 0) return bytes;
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  return bytes;
}

function setByte(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  if (bytes.length === 0) return bytes;
  bytes[random.below(bytes.length)] = random.chance(1, 2)
    ? random.below(256)
    : EXTREMES[random.below(5)] as number;
  return bytes;
}

/** A length or count, to an extreme, to about what is really there, or a little off. */
function setInteger(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const width = [1, 2, 4, 8][random.below(4)] as number;
  if (bytes.length < width) return bytes;
  const at = random.below(bytes.length - width + 1);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = random.chance(7, 8);
  const now = width === 1 ? view.getUint8(at) : view.getUint16(at, little);
  const choices = [
    EXTREMES[random.below(EXTREMES.length)] as number,
    bytes.length - at - width,
    bytes.length - at,
    now + random.between(-2, 2),
  ];
  const value = choices[random.below(choices.length)] as number;
  if (width === 1) view.setUint8(at, value);
  else if (width === 2) view.setUint16(at, value, little);
  else if (width === 4) view.setUint32(at, value, little);
  else view.setBigUint64(at, BigInt.asUintN(64, BigInt(value) << BigInt(random.below(33))), little);
  return bytes;
}

function truncate(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  return bytes.slice(0, random.below(bytes.length + 1));
}

function removePiece(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const [from, to] = piece(bytes, random);
  return joined(bytes.subarray(0, from), bytes.subarray(to));
}

function repeatPiece(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const [from, to] = piece(bytes, random);
  const copies = random.chance(1, 8) ? random.below(40) : 1;
  const repeated = Array.from({ length: copies }, () => bytes.subarray(from, to));
  return joined(bytes.subarray(0, to), ...repeated, bytes.subarray(to));
}

function insertNoise(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const at = random.below(bytes.length + 1);
  return joined(bytes.subarray(0, at), random.bytes(random.below(12)), bytes.subarray(at));
}

function insertToken(bytes: Uint8Array, random: SeededRandom, { tokens }: Tools): Uint8Array {
  if (tokens.length === 0) return insertNoise(bytes, random);
  const at = random.below(bytes.length + 1);
  const token = tokens[random.below(tokens.length)] as Uint8Array;
  return joined(bytes.subarray(0, at), token, bytes.subarray(at));
}

function replaceByToken(bytes: Uint8Array, random: SeededRandom, { tokens }: Tools): Uint8Array {
  if (tokens.length === 0) return setByte(bytes, random);
  const [from, to] = piece(bytes, random);
  const token = tokens[random.below(tokens.length)] as Uint8Array;
  return joined(bytes.subarray(0, from), token, bytes.subarray(to));
}

/** The beginning of this, the end of another. */
function splice(bytes: Uint8Array, random: SeededRandom, { other }: Tools): Uint8Array {
  const tail = other();
  const head = bytes.subarray(0, random.below(bytes.length + 1));
  return joined(head, tail.subarray(random.below(tail.length + 1)));
}

function movePiece(bytes: Uint8Array, random: SeededRandom, { other }: Tools): Uint8Array {
  const source = random.chance(1, 2) ? bytes : other();
  const [from, to] = piece(source, random);
  const at = random.below(bytes.length + 1);
  return joined(bytes.subarray(0, at), source.subarray(from, to), bytes.subarray(at));
}

/** Short more often than long. */
function piece(bytes: Uint8Array, random: SeededRandom): [from: number, to: number] {
  const from = random.below(bytes.length + 1);
  const longest = Math.min(bytes.length - from, random.chance(1, 4) ? bytes.length : 16);
  return [from, from + random.below(longest + 1)];
}

export function joined(...pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const one of pieces) {
    bytes.set(one, at);
    at += one.length;
  }
  return bytes;
}
