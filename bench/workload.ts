/** What clients ask for, and the data that they ask about. */

export type Operation = "write" | "read";

/** Keys that a target holds, all with values of one length, so that every read can be checked. */
export type Data = {
  readonly keys: number;
  /** Also tells sets of data apart: two of them share no key. */
  readonly valueBytes: number;
};

export type Workload = {
  readonly data: Data;
  /** Of all requests: 0 is writes only, 1 is reads only. */
  readonly readShare: number;
  /** Each has one request under way at most. They are spread evenly over all nodes. */
  readonly clients: number;
  /** All clients ask for the same key, instead of keys drawn evenly. */
  readonly hot: boolean;
  /**
   * Requests become due at this rate, whatever becomes of those before; null when each client asks
   * as soon as it has its answer.
   */
  readonly perSecond: number | null;
  /** Each write has an idempotency key of its own. Keva only. */
  readonly once?: true;
};

export const VALUE_BYTES = 256;

const KIB = 1024;

/** Says everything that differs between workloads, so it is unique among them. */
export function workloadName(workload: Workload): string {
  const { data, readShare, clients, hot, perSecond, once } = workload;
  const size = data.valueBytes === VALUE_BYTES ? "" : ` of ${data.valueBytes / KIB} KiB`;
  const what = `${kindOf(readShare)}${size}${hot ? " of one key" : ""}${once ? " once" : ""}`;
  if (perSecond !== null) return `${what} at ${perSecond.toLocaleString("en")}/s`;
  return `${what}, ${clients} client${clients === 1 ? "" : "s"}`;
}

function kindOf(readShare: number): string {
  if (readShare === 0) return "writes";
  if (readShare === 1) return "reads";
  const reads = Math.round(readShare * 100);
  return `reads and writes ${reads}/${100 - reads}`;
}

/** A key has this many bytes, all of them visible ASCII. */
export const KEY_BYTES = 16;

/** All keys, one after the other. They are scattered over the key order, as hashes would be. */
export function keysOf({ keys, valueBytes }: Data): Uint8Array {
  const first = BigInt(valueBytes) << 32n;
  const text = Array.from(
    { length: keys },
    (_, i) => scattered(first + BigInt(i)).toString(16).padStart(16, "0"),
  );
  return new TextEncoder().encode(text.join(""));
}

/** A bijection on 64 bits (the finaliser of SplitMix64): distinct numbers give distinct keys. */
function scattered(number: bigint): bigint {
  let x = number + 0x9e3779b97f4a7c15n;
  x = BigInt.asUintN(64, (x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
  x = BigInt.asUintN(64, (x ^ (x >> 27n)) * 0x94d049bb133111ebn);
  return x ^ (x >> 31n);
}
