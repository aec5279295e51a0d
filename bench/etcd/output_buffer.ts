/** Gathers what is to be sent in one turn, or while a write is under way, into the next write. */

const BYTES_AT_FIRST = 64 * 1024;

export class OutputBuffer {
  readonly #tcp: Deno.TcpConn;
  readonly #onError: (reason: string) => void;
  #gathering = new Uint8Array(BYTES_AT_FIRST);
  #writing = new Uint8Array(BYTES_AT_FIRST);
  #length = 0;
  #isAwake = false;

  constructor(tcp: Deno.TcpConn, onError: (reason: string) => void) {
    this.#tcp = tcp;
    this.#onError = onError;
  }

  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#gathering.length) this.#grow(length);
    this.#gathering.set(bytes, this.#length);
    this.#length = length;
    if (this.#isAwake) return;
    this.#isAwake = true;
    // Answers of one read make their clients ask again within the same turn: wait for all of them.
    queueMicrotask(() => void this.#flush());
  }

  #grow(length: number): void {
    const larger = new Uint8Array(2 ** Math.ceil(Math.log2(length)));
    larger.set(this.#gathering.subarray(0, this.#length));
    this.#gathering = larger;
  }

  async #flush(): Promise<void> {
    try {
      while (this.#length > 0) {
        const bytes = this.#gathering.subarray(0, this.#length);
        [this.#gathering, this.#writing] = [this.#writing, this.#gathering];
        this.#length = 0;
        for (let sent = 0; sent < bytes.length;) {
          sent += await this.#tcp.write(bytes.subarray(sent));
        }
      }
      this.#isAwake = false;
    } catch (error) {
      this.#onError(error instanceof Error ? error.message : String(error));
    }
  }
}
