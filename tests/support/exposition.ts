/**
 * A strict reader of Prometheus' text format, version 0.0.4: whatever a lenient one would let pass
 * or a dashboard would misread fails an assertion.
 */

import assert from "node:assert/strict";

export type Scrape = {
  /** By series, as in `name{label="value"}`. */
  readonly values: ReadonlyMap<string, number>;
  /** By family. */
  readonly types: ReadonlyMap<string, Type>;
  /** All values that each label has. */
  readonly labels: ReadonlyMap<string, ReadonlySet<string>>;
};

type Type = "counter" | "gauge" | "histogram";

const HELP = /^# HELP ([a-z][a-z0-9_]*) \S.*\.$/;
const TYPE = /^# TYPE ([a-z][a-z0-9_]*) (counter|gauge|histogram)$/;
const SAMPLE = /^([a-z][a-z0-9_]*)(?:\{(.+)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;
/** A value has `\\`, `\"` and `\n` for what would end it. */
const LABEL = /([a-z][a-z0-9_]*)="((?:[^\\"]|\\[\\"n])*)"(?:,(?=.)|$)/y;
const BUCKET = /^(.+)_bucket\{(?:(.*),)?le="([^"]+)"\}$/;

export function parseExposition(text: string): Scrape {
  assert.ok(text.endsWith("\n"), "the last line ends");
  const reader = new Reader();
  for (const line of text.slice(0, -1).split("\n")) if (line !== "") reader.line(line);
  for (const [name, type] of reader.types) {
    assert.equal(name.endsWith("_total"), type === "counter", `${name} is a ${type}`);
    if (type === "histogram") checkBuckets(name, reader.values);
  }
  return reader;
}

class Reader implements Scrape {
  readonly values = new Map<string, number>();
  readonly types = new Map<string, Type>();
  readonly labels = new Map<string, Set<string>>();
  /** The family whose samples come now, and the one that was explained last. */
  #family = "";
  #explained = "";

  line(line: string): void {
    const [help, type] = [HELP.exec(line), TYPE.exec(line)];
    if (help !== null) this.#explained = help[1] as string;
    else if (type !== null) this.#begin(type[1] as string, type[2] as Type);
    else this.#sample(line);
  }

  #begin(name: string, type: Type): void {
    assert.equal(name, this.#explained, "HELP comes before TYPE");
    assert.ok(!this.types.has(name), `${name} comes twice`);
    this.types.set(name, type);
    this.#family = name;
  }

  #sample(line: string): void {
    const [, name, list, value] = SAMPLE.exec(line) ?? assert.fail(`no sample: ${line}`);
    const parts = this.types.get(this.#family) === "histogram"
      ? ["_bucket", "_sum", "_count"]
      : [""];
    assert.ok(parts.some((part) => name === this.#family + part), `after ${this.#family}: ${line}`);
    const series = list === undefined ? name as string : `${name}{${list}}`;
    assert.ok(!this.values.has(series), `${series} comes twice`);
    this.values.set(series, Number(value));
    this.#takeLabels(list ?? "");
  }

  #takeLabels(list: string): void {
    const names = new Set<string>();
    for (LABEL.lastIndex = 0; LABEL.lastIndex < list.length;) {
      const [, name, value] = (LABEL.exec(list) ?? assert.fail(`no labels: ${list}`)) as string[];
      assert.ok(!names.has(name as string), `${name} comes twice in ${list}`);
      names.add(name as string);
      this.labels.set(
        name as string,
        (this.labels.get(name as string) ?? new Set()).add(value as string),
      );
    }
  }
}

/** The buckets of a series never decrease towards +Inf, which counts everything. */
function checkBuckets(family: string, values: ReadonlyMap<string, number>): void {
  let [bound, upTo] = [-Infinity, 0];
  for (const [series, value] of values) {
    const [, name, labels, le] = BUCKET.exec(series) ?? [];
    if (name !== family) continue;
    const next = Number(le?.replace("+Inf", "Infinity"));
    assert.ok(next > bound && value >= upTo, `${series} ${value}`);
    [bound, upTo] = [next, value];
    if (next !== Infinity) continue;
    const rest = labels === undefined ? "" : `{${labels}}`;
    assert.equal(values.get(`${family}_count${rest}`), value, series);
    assert.ok(values.has(`${family}_sum${rest}`), series);
    [bound, upTo] = [-Infinity, 0];
  }
  assert.equal(bound, -Infinity, `${family} ends with +Inf`);
}
