/**
 * How a command ends when it does not succeed.
 */

import { printableText } from "../base/mod.ts";
import { KevaError } from "../client/mod.ts";

export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** Ends the command. The message is for a person: one sentence, or one line per problem. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  constructor(message: string, readonly exitCode = EXIT_FAILED) {
    super(message);
  }
}

/** Ends the command because of how it was called. */
export function usageError(message: string): CommandError {
  return new CommandError(message, EXIT_USAGE);
}

/** The line on standard error and the exit code for anything that a command threw. */
export function explainError(error: unknown, trace: boolean): { text: string; exitCode: number } {
  if (error instanceof CommandError) return { text: error.message, exitCode: error.exitCode };
  if (error instanceof KevaError) {
    return { text: `${sentence(error.message)} ${error.next}`.trim(), exitCode: EXIT_FAILED };
  }
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const text = trace && error instanceof Error
    ? `internal error: ${error.stack}`
    : `internal error: ${printableText(detail)} (set KEVA_TRACE=1 and run it again for the ` +
      `stack trace, and report it)`;
  return { text, exitCode: EXIT_FAILED };
}

/** Ends with a full stop. What a server wrote cannot drive the terminal. */
function sentence(text: string): string {
  const safe = printableText(text);
  return /[.!?]$/.test(safe) ? safe : `${safe}.`;
}
