/**
 * Bytes of the nouns that appear both in the log on disk and in messages on the wire, so that
 * there is one spelling of each. Framing, checks and versions belong to those who store and send.
 *
 * ```
 * position    index u64, term u64
 * entry       index u64, term u64, kind u8 (0 noop, 1 command, 2 membership), payload (u32 length)
 * membership  voters, learners: count u16, then for each member id and directory (u16 length)
 * snapshot    position, membership
 * ```
 */

import { type ByteReader, ByteWriter, decode, type Result } from "../base/mod.ts";
import type { Entry, EntryKind, Member, Membership, Position, SnapshotRef } from "./types.ts";

const ENTRY_KINDS: readonly EntryKind[] = ["noop", "command", "membership"];

export function writePosition(writer: ByteWriter, position: Position): void {
  writer.u64(position.index).u64(position.term);
}

export function readPosition(reader: ByteReader): Position {
  return { index: reader.u64(), term: reader.u64() };
}

export function writeEntry(writer: ByteWriter, entry: Entry): void {
  writer.u64(entry.index).u64(entry.term).u8(ENTRY_KINDS.indexOf(entry.kind)).bytes(entry.payload);
}

/** The payload is a view of the input: copy it when it must outlive the input. */
export function readEntry(reader: ByteReader): Entry {
  const { index, term } = readPosition(reader);
  const kind = ENTRY_KINDS[reader.tag([0, 1, 2], "entry kind")] as EntryKind;
  return { index, term, kind, payload: reader.bytes() };
}

function writeMembership(writer: ByteWriter, membership: Membership): void {
  for (const members of [membership.voters, membership.learners]) {
    writer.u16(members.length);
    for (const { id, directory } of members) writer.text(id).text(directory);
  }
}

function readMembership(reader: ByteReader): Membership {
  return { voters: readMembers(reader), learners: readMembers(reader) };
}

function readMembers(reader: ByteReader): Member[] {
  const members: Member[] = [];
  for (let left = reader.u16(); left > 0; left--) {
    members.push({ id: reader.text(), directory: reader.text() });
  }
  return members;
}

export function writeSnapshotRef(writer: ByteWriter, snapshot: SnapshotRef): void {
  writePosition(writer, snapshot.position);
  writeMembership(writer, snapshot.membership);
}

export function readSnapshotRef(reader: ByteReader): SnapshotRef {
  return { position: readPosition(reader), membership: readMembership(reader) };
}

export function encodeMembership(membership: Membership): Uint8Array {
  const writer = new ByteWriter();
  writeMembership(writer, membership);
  return writer.finish();
}

export function decodeMembership(bytes: Uint8Array): Result<Membership, string> {
  return decode(bytes, readMembership);
}
