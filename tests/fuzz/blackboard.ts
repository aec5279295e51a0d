/** Where a worker writes the input that it tries next, readable even when it never comes back. */

const HEADER_INTS = 2;

export class Blackboard {
  readonly #header: Int32Array;
  readonly #bytes: Uint8Array;

  static memory(bytesMax: number): SharedArrayBuffer {
    return new SharedArrayBuffer(4 * HEADER_INTS + bytesMax);
  }

  constructor(memory: SharedArrayBuffer) {
    this.#header = new Int32Array(memory, 0, HEADER_INTS);
    this.#bytes = new Uint8Array(memory, 4 * HEADER_INTS);
  }

  /** How many inputs were written. */
  get count(): number {
    return Atomics.load(this.#header, 0);
  }

  write(input: Uint8Array): void {
    const part = input.subarray(0, this.#bytes.length);
    this.#bytes.set(part);
    this.#header[1] = part.length;
    Atomics.add(this.#header, 0, 1);
  }

  read(): Uint8Array {
    return this.#bytes.slice(0, this.#header[1]);
  }
}
