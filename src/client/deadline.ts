/**
 * How long a call may take, and each attempt of it.
 */

/** Aborts at the end of the given time, or when the caller's own signal does. */
export class Deadline {
  readonly timeoutMs: number;
  readonly #endsAtMs: number;
  readonly #whole: Deadline | undefined;
  #timedOut = false;
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #abort = (): void => this.#controller.abort();
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(timeoutMs: number, outer: AbortSignal | Deadline | undefined) {
    this.timeoutMs = timeoutMs;
    this.#endsAtMs = performance.now() + timeoutMs;
    this.#whole = outer instanceof Deadline ? outer : undefined;
    this.#outer = outer instanceof Deadline ? outer.signal : outer;
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      this.#abort();
    }, timeoutMs);
    this.#outer?.addEventListener("abort", this.#abort);
    if (this.#outer?.aborted) this.#abort();
  }

  /** Whether time was what ended it, its own or that of the whole. */
  get timedOut(): boolean {
    return this.#timedOut || this.#whole?.timedOut === true;
  }

  /** To a hundredth of the whole, rounded up: so equal calls make equal requests. */
  get leftMs(): number {
    const leftMs = this.#endsAtMs - performance.now();
    return leftMs <= 0 ? 0 : Math.ceil(leftMs * 100 / this.timeoutMs) * this.timeoutMs / 100;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves after that time, or at once when the deadline comes. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        this.signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.signal.addEventListener("abort", done);
    });
  }

  /** From now on there is no deadline; the caller's signal still aborts. */
  lift(): void {
    clearTimeout(this.#timer);
  }

  clear(): void {
    this.lift();
    this.#outer?.removeEventListener("abort", this.#abort);
  }
}
