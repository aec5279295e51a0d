/** Mutants are worth something only as long as they can be made. */

import assert from "node:assert/strict";
import { ROOT } from "../../../tools/paths.ts";
import { MUTANTS } from "./mutants.ts";

Deno.test("mutants: each has its one place in the product, and a name of its own", () => {
  for (const { name, file, find, replace } of MUTANTS) {
    const places = Deno.readTextFileSync(`${ROOT}/${file}`).split(find).length - 1;
    assert.equal(places, 1, `${name}: ${places} places in ${file} for ${find}`);
    assert.notEqual(find, replace);
  }
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
});
