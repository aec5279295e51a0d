/**
 * The load generator as a process. Each line of its standard input is a job; on its standard output
 * it writes a line at each edge of a round, and one with the result.
 */

import { ROOT } from "../../tools/paths.ts";
import { type Load, type LoadJob, type OnEdge, START_MS_MAX } from "../target.ts";
import { type Job, runJob } from "./job.ts";
import type { Protocol } from "./session.ts";

type Event =
  | { readonly kind: "begin" | "end" }
  | { readonly kind: "done"; readonly load: Load };

/** Beyond its own duration, for what a job may take: every request under way must end. */
const PATIENCE_MS = 20_000;

/** For its worker, whose module is read when it starts. */
const READ_OWN_CODE = `--allow-read=${ROOT}/bench`;

/** The side of the process: serves jobs until standard input ends. */
export async function serveJobs(open: (job: Job) => Protocol): Promise<void> {
  for await (const line of linesOf(Deno.stdin.readable)) {
    const job: Job = JSON.parse(line);
    const load = await runJob(job, open(job), (kind) => tell({ kind }));
    tell({ kind: "done", load });
  }
}

function tell(event: Event): void {
  const line = new TextEncoder().encode(`${JSON.stringify(event)}\n`);
  for (let at = 0; at < line.length;) at += Deno.stdout.writeSync(line.subarray(at));
}

/** The side of the bench: starts a generator and gives it one job at a time. */
export class LoadProcess {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #events: AsyncGenerator<string>;

  constructor(script: string) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--allow-net=127.0.0.1", READ_OWN_CODE, script],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#events = linesOf(this.#child.stdout);
  }

  get pid(): number {
    return this.#child.pid;
  }

  async run(job: Job, onEdge: OnEdge): Promise<Load> {
    const timer = setTimeout(() => this.#kill(), jobMs(job.job) + PATIENCE_MS);
    try {
      await this.#input.write(new TextEncoder().encode(`${JSON.stringify(job)}\n`));
      for (;;) {
        const { value, done } = await this.#events.next();
        if (done) throw new Error("the load generator ended before its result");
        const event: Event = JSON.parse(value);
        if (event.kind === "done") return event.load;
        onEdge(event.kind);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async stop(): Promise<void> {
    this.#kill();
    await Promise.allSettled([this.#input.abort(), this.#events.return(null), this.#child.status]);
  }

  #kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }
}

/** How long a job may take; a fill has a thousand writes a second at least. */
function jobMs(job: LoadJob): number {
  if (job.kind === "round") return job.warmupMs + job.measureMs;
  return job.kind === "fill" ? job.data.keys : START_MS_MAX;
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() as string;
    yield* lines;
  }
}
