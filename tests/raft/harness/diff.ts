/** The difference of two texts by lines, with a little of what surrounds each change. */

const CONTEXT_LINES = 4;

export function diffLines(expected: string, actual: string): string {
  const marked = mark(expected.split("\n"), actual.split("\n"));
  const near = marked.map((_, at) =>
    marked.slice(Math.max(0, at - CONTEXT_LINES), at + CONTEXT_LINES + 1)
      .some((line) => !line.startsWith(" "))
  );
  const shown = marked.flatMap((line, at) => near[at] ? [line] : near[at - 1] ? ["  …"] : []);
  return shown.join("\n");
}

/** Lines only expected begin with `-`, lines only given with `+`. */
function mark(expected: readonly string[], actual: readonly string[]): string[] {
  const common = commonLengths(expected, actual);
  const marked: string[] = [];
  let [left, right] = [0, 0];
  while (left < expected.length || right < actual.length) {
    if (left < expected.length && expected[left] === actual[right]) {
      marked.push(`  ${expected[left]}`);
      left++;
      right++;
    } else if (
      right === actual.length ||
      (left < expected.length && common(left + 1, right) >= common(left, right + 1))
    ) {
      marked.push(`- ${expected[left++]}`);
    } else {
      marked.push(`+ ${actual[right++]}`);
    }
  }
  return marked;
}

/** The length of the longest common subsequence of what follows two places. */
function commonLengths(
  expected: readonly string[],
  actual: readonly string[],
): (left: number, right: number) => number {
  const width = actual.length + 1;
  const lengths = new Uint32Array((expected.length + 1) * width);
  const at = (left: number, right: number): number => lengths[left * width + right] ?? 0;
  for (let left = expected.length - 1; left >= 0; left--) {
    for (let right = actual.length - 1; right >= 0; right--) {
      lengths[left * width + right] = expected[left] === actual[right]
        ? at(left + 1, right + 1) + 1
        : Math.max(at(left + 1, right), at(left, right + 1));
    }
  }
  return at;
}
