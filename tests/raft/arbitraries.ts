/** Random nouns of consensus for property tests. */

import fc from "fast-check";
import type { Entry, Member, Membership, Position } from "../../src/raft/mod.ts";

/** Objects as the code makes them: strict comparison looks at prototypes, too. */
const PLAIN = { noNullPrototype: true } as const;

const countArbitrary: fc.Arbitrary<number> = fc.maxSafeNat();

export const positionArbitrary: fc.Arbitrary<Position> = fc.record({
  index: countArbitrary,
  term: countArbitrary,
}, PLAIN);

export const entryArbitrary: fc.Arbitrary<Entry> = fc.record({
  index: countArbitrary,
  term: countArbitrary,
  kind: fc.constantFrom("noop", "command", "membership"),
  payload: fc.uint8Array({ maxLength: 40 }),
}, PLAIN);

const memberArbitrary: fc.Arbitrary<Member> = fc.record({
  id: fc.string({ unit: "grapheme", maxLength: 10 }),
  directory: fc.string({ unit: "grapheme", maxLength: 10 }),
}, PLAIN);

/** Any membership that can be written, sensible or not. */
export const membershipArbitrary: fc.Arbitrary<Membership> = fc.record({
  voters: fc.array(memberArbitrary, { maxLength: 5 }),
  learners: fc.array(memberArbitrary, { maxLength: 5 }),
}, PLAIN);

/** Few ids and directories, so that memberships are often close to each other. */
const crowdedArbitrary: fc.Arbitrary<Member> = fc.record({
  id: fc.constantFrom("n1", "n2", "n3", "n4", "n5"),
  directory: fc.constantFrom("one", "one", "one", "other"),
});

export const crowdedMembershipArbitrary: fc.Arbitrary<Membership> = fc.record({
  voters: fc.array(crowdedArbitrary, { maxLength: 5 }),
  learners: fc.array(crowdedArbitrary, { maxLength: 2 }),
});
