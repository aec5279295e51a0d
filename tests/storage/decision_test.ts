/** The decision tables of recovery: whatever is found, exactly one row says what to do. */

import assert from "node:assert/strict";
import {
  decide,
  DIRECTORY_TABLE,
  FRAME_TABLE,
  type Row,
  SEGMENT_TABLE,
  SNAPSHOT_TABLE,
} from "../../src/storage/decision.ts";

type Values = Record<string, readonly (string | boolean)[]>;
type AnyRow = Row<Record<string, string | boolean>, string>;

const BOTH = [false, true];
const TABLES: [name: string, table: readonly AnyRow[], values: Values][] = [
  ["DIRECTORY_TABLE", DIRECTORY_TABLE as unknown as AnyRow[], {
    identity: ["absent", "sound", "damaged", "newer", "otherCluster", "otherNode"],
    log: ["none", "fresh", "used"],
    snapshots: BOTH,
  }],
  ["SEGMENT_TABLE", SEGMENT_TABLE as unknown as AnyRow[], {
    head: ["sound", "damaged", "newer"],
    owner: ["same", "otherCluster", "otherNode", "otherDirectory"],
    place: ["oldest", "follows", "gap", "misnamed", "unchained", "contradicts"],
  }],
  ["FRAME_TABLE", FRAME_TABLE as unknown as AnyRow[], {
    frame: ["sound", "unreadable", "unchained", "newer", "damaged", "cut", "blank"],
    missingSector: BOTH,
    followed: BOTH,
  }],
  ["SNAPSHOT_TABLE", SNAPSHOT_TABLE as unknown as AnyRow[], {
    marked: ["none", "sound", "missing", "damaged"],
    logReaches: BOTH,
    fallback: BOTH,
  }],
];

/** Every combination of the values. */
function combinations(values: Values): Record<string, string | boolean>[] {
  let all: Record<string, string | boolean>[] = [{}];
  for (const [name, choices] of Object.entries(values)) {
    all = all.flatMap((partial) => choices.map((choice) => ({ ...partial, [name]: choice })));
  }
  return all;
}

for (const [name, table, values] of TABLES) {
  Deno.test(`${name}: exactly one row matches each combination, and each row matches one`, () => {
    const used = new Set<string>();
    for (const conditions of combinations(values)) {
      used.add(decide(table, conditions).id); // asserts that exactly one matches
    }
    assert.deepEqual([...used].sort(), table.map(({ id }) => id).sort());
  });

  Deno.test(`${name}: rows name known values, refusals a code, and ids are unique`, () => {
    for (const row of table) {
      assert.equal(row.code !== undefined, row.action === "refuse", row.id);
      for (const [condition, allowed] of Object.entries(row.when)) {
        for (const value of allowed ?? []) assert.ok(values[condition]?.includes(value), row.id);
      }
    }
    assert.equal(new Set(table.map(({ id }) => id)).size, table.length);
  });
}

Deno.test("decide() fails when no row or two rows match", () => {
  const table: AnyRow[] = [
    { id: "a", when: { x: [true] }, action: "go", reason: "" },
    { id: "b", when: {}, action: "go", reason: "" },
  ];
  assert.throws(() => decide(table, { x: true }), /one row for .*not 2/);
  assert.throws(() => decide(table.slice(0, 1), { x: false }), /not 0/);
  assert.equal(decide(table, { x: false }).id, "b");
});

Deno.test("FRAME_TABLE cuts nothing that a sound frame follows, and nothing complete", () => {
  for (const conditions of combinations(TABLES[2]![2])) {
    const { action } = decide(TABLES[2]![1], conditions);
    if (action !== "cut") continue;
    assert.equal(conditions.followed, false);
    assert.ok(conditions.frame === "cut" || conditions.missingSector);
  }
});

Deno.test("FORMAT.md prints every row of every table", () => {
  const text = Deno.readTextFileSync(new URL("../../src/storage/FORMAT.md", import.meta.url));
  for (const [, table] of TABLES) {
    for (const { id, action, reason } of table) {
      const line = text.split("\n").find((candidate) => candidate.startsWith(`| ${id} `));
      assert.ok(line !== undefined, `${id} is missing in FORMAT.md`);
      assert.ok(line.includes(reason) && line.includes(action), `${id}: ${line}`);
    }
  }
});
