/**
 * Lines that somebody types, with history and completion.
 */

export type LineRequest = {
  readonly prompt: string;
  /** Lines of before, the latest first. */
  readonly history: readonly string[];
  /** What the word that is being typed can become, with the words that stand before it. */
  complete(word: string, before: readonly string[]): string[];
};

/**
 * The next line; empty after Ctrl-C, null at the end. Between two lines the terminal is as every
 * program finds it, so that Ctrl-C reaches a command as a signal.
 */
export async function readLine(request: LineRequest): Promise<string | null> {
  // Only one command needs it.
  const { createInterface } = await import("node:readline");
  const { stdin, stdout } = await import("node:process");
  return await new Promise((resolve) => {
    const terminal = createInterface({
      input: stdin,
      output: stdout,
      terminal: true,
      prompt: request.prompt,
      history: [...request.history],
      historySize: request.history.length + 1,
      completer: (line: string) => {
        const words = line.split(/\s+/);
        const word = words.pop() ?? "";
        const candidates = request.complete(word, words.filter((each) => each !== ""));
        const [only] = candidates;
        return [candidates.length === 1 ? [`${only} `] : candidates, word];
      },
    });
    let line: string | null = null;
    terminal.on("line", (text) => {
      line = text;
      terminal.close();
    });
    terminal.on("SIGINT", () => {
      stdout.write("^C\n");
      line = "";
      terminal.close();
    });
    terminal.on("close", () => resolve(line));
    terminal.prompt();
  });
}
