/**
 * The words of a line in `keva shell`, by the rules that people know from their own shell: blanks
 * part words, quotes keep them together, a backslash takes the next character as it is.
 *
 * The packages for this guess where a line has no clear reading, such as an open quote. Words become
 * keys and values here, so such a line is refused instead.
 */

import { err, ok, type Result } from "../base/mod.ts";

const BLANK = /\s/;

export function wordsOf(line: string): Result<string[], string> {
  const words: string[] = [];
  /** Null between words: a word can be empty, as in "". */
  let word: string | null = null;
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string;
    if (quote === "'" && char !== "'") word += char;
    else if (char === "\\" && (quote === "" || isEscapable(line[at + 1]))) {
      if (at + 1 === line.length) return err("the line ends with a backslash");
      word = (word ?? "") + line[++at];
    } else if (char === quote) quote = "";
    else if (quote !== "") word += char;
    else if (char === '"' || char === "'") {
      quote = char;
      word ??= "";
    } else if (!BLANK.test(char)) word = (word ?? "") + char;
    else if (word !== null) {
      words.push(word);
      word = null;
    }
  }
  if (quote !== "") return err(`a ${quote} is open at the end of the line`);
  return ok(word === null ? words : [...words, word]);
}

/** Within double quotes a backslash before anything else stands for itself. */
function isEscapable(char: string | undefined): boolean {
  return char === '"' || char === "\\";
}
