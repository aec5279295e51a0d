/**
 * Counts the bytes that code allocates for byte arrays, so that a decoder that trusts a claimed
 * length is caught although the machine could afford it.
 */

const Real = globalThis.Uint8Array;
let allocated = 0;

class Counted extends Real {
  constructor(...given: never[]) {
    const [first] = given as unknown[];
    if (typeof first === "number") {
      // Before the allocation, which might fail by itself.
      allocated += first;
      if (allocated > limit) throw new Error(`allocates ${allocated} bytes, ${limit} are plenty`);
    }
    super(...given as unknown as [number]);
  }
}

let limit = Infinity;

/** Runs `work`; asking for more than `bytesMax` of arrays in it is an error. */
export async function withBoundedAllocation<T>(
  bytesMax: number,
  work: () => T | Promise<T>,
): Promise<T> {
  allocated = 0;
  limit = bytesMax;
  globalThis.Uint8Array = Counted as unknown as Uint8ArrayConstructor;
  try {
    return await work();
  } finally {
    globalThis.Uint8Array = Real;
    limit = Infinity;
  }
}
