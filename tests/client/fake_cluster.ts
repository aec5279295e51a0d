/** A `fetch` whose every call is answered by a script, and which records what was asked. */

export type Call = {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array | null;
};

/** What one attempt meets. `hang` never answers; it only ends when it is aborted. */
export type Step = Response | TypeError | "refused" | "reset" | "hang";

export type FakeCluster = { readonly fetch: typeof fetch; readonly calls: Call[] };

/** Answers calls in the order of `steps`; a call too many fails the test. */
export function fakeCluster(...steps: Step[]): FakeCluster {
  const calls: Call[] = [];
  const fake: typeof fetch = (input, init) => {
    const body = init?.body instanceof Uint8Array ? init.body : null;
    const method = init?.method ?? "GET";
    calls.push({ method, url: String(input), headers: new Headers(init?.headers), body });
    const step = steps.shift();
    if (step === undefined) throw new Error(`unexpected call ${method} ${input}`);
    return meet(step, init?.signal ?? null);
  };
  return { fetch: fake, calls };
}

function meet(step: Step, signal: AbortSignal | null): Promise<Response> {
  if (step === "refused") {
    return Promise.reject(new TypeError("error sending request: client error (Connect): refused"));
  }
  if (step === "reset") return Promise.reject(new TypeError("error sending request: reset"));
  if (step instanceof TypeError) return Promise.reject(step);
  if (step !== "hang") return Promise.resolve(step);
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
  });
}

export function problem(status: number, fields: Record<string, unknown>): Response {
  return new Response(JSON.stringify(fields), {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}

export function done(fields: Record<string, unknown>): Response {
  return Response.json({ done: "true", ...fields });
}
