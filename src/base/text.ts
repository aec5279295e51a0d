/**
 * Text that came from outside, made safe for one line of a log or a terminal.
 */

/** Control, format (bidi), surrogate, private and unassigned characters, line and paragraph ends. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** `text` with every character that could forge a line or drive a terminal as `\u{hex}`. */
export function printableText(text: string): string {
  return text.replace(UNPRINTABLE, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
}
