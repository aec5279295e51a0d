/** The real Clock, Random and Hash against the suites that the simulated ones pass too. */

import { nativeHash, systemClock, systemRandom } from "../../src/platform/mod.ts";
import { clockSuite, type ClockUnderTest } from "./clock_suite.ts";
import { hashSuite } from "./hash_suite.ts";
import { randomSuite } from "./random_suite.ts";

clockSuite("systemClock()", realClock);
randomSuite("systemRandom()", systemRandom);
hashSuite("nativeHash()", nativeHash);

function realClock(): ClockUnderTest {
  const clock = systemClock();
  return {
    clock,
    advance: (ms) => new Promise((resolve) => void clock.after(ms, resolve)),
    stall: (ms) => {
      const end = clock.now() + ms;
      while (clock.now() < end);
      return Promise.resolve();
    },
  };
}
