/** Words of a command: plain ones in order, and `name=value` options. */

import { assert } from "../../../src/base/mod.ts";
import type { Entry, Membership, Message, Position } from "../../../src/raft/mod.ts";
import type { Selection } from "./network.ts";

export class Words {
  readonly #plain: string[] = [];
  readonly #options = new Map<string, string>();
  readonly #used = new Set<string>();
  #at = 0;

  constructor(words: readonly string[]) {
    for (const word of words) {
      const equals = word.indexOf("=");
      if (equals < 0) this.#plain.push(word);
      else this.#options.set(word.slice(0, equals), word.slice(equals + 1));
    }
  }

  next(): string {
    const word = this.#plain[this.#at++];
    assert(word !== undefined, "the command has one more word");
    return word;
  }

  optional(): string | undefined {
    return this.#plain[this.#at] === undefined ? undefined : this.next();
  }

  rest(): string[] {
    const rest = this.#plain.slice(this.#at);
    this.#at = this.#plain.length;
    return rest;
  }

  /** The rest as `name=value` words, for proposals. */
  pairs(): string[] {
    const pairs = [...this.#options].map(([name, value]) => `${name}=${value}`);
    for (const name of this.#options.keys()) this.#used.add(name);
    return pairs;
  }

  option(name: string): string | undefined {
    this.#used.add(name);
    return this.#options.get(name);
  }

  text(name: string): string {
    const value = this.option(name);
    assert(value !== undefined, `the option ${name}= is given`);
    return value;
  }

  number(name: string, otherwise?: number): number {
    const value = this.option(name) ?? otherwise?.toString();
    assert(value !== undefined, `the option ${name}= is given`);
    return parseNumber(value);
  }

  /** Fails when a word was not understood. */
  end(): void {
    const unused = [...this.#options.keys()].filter((name) => !this.#used.has(name));
    const left = [...this.#plain.slice(this.#at), ...unused];
    assert(left.length === 0, `nothing follows, not ${left.join(" ")}`);
  }
}

export function parseNumber(text: string): number {
  assert(/^-?[0-9]+$/.test(text), `a number, not ${text}`);
  return Number(text);
}

/** `5@2`. */
export function parsePosition(text: string): Position {
  const [index, term, ...more] = text.split("@");
  assert(index && term && more.length === 0, `a position, not ${text}`);
  return { index: parseNumber(index), term: parseNumber(term) };
}

/** `n1,n2` or, with learners, `n1,n2|n3`; `n1/b` is n1 with the data directory b. */
export function parseMembership(text: string): Membership {
  const [voters = "", learners = ""] = text.split("|");
  const parse = (list: string): Membership["voters"] =>
    list.split(",").filter((name) => name !== "").map(parseMember);
  return { voters: parse(voters), learners: parse(learners) };
}

export function parseMember(text: string): Membership["voters"][number] {
  const [id, directory, ...more] = text.split("/");
  assert(id && more.length === 0, `a member, not ${text}`);
  return { id, directory: directory ?? "" };
}

/** Commands with the terms `1,1,4`, after `previous`. Equal positions get equal payloads. */
export function parseEntries(terms: string, previous: Position): Entry[] {
  return terms.split(",").filter((term) => term !== "").map((term, at) => {
    const index = previous.index + 1 + at;
    const payload = new TextEncoder().encode(`x=${index}@${term}`);
    return { index, term: parseNumber(term), kind: "command", payload };
  });
}

export const MESSAGE_KINDS: readonly Message["kind"][] = [
  "voteRequest",
  "voteReply",
  "append",
  "accepted",
  "rejected",
  "heartbeat",
  "echo",
  "readRequest",
  "readReply",
  "install",
  "timeoutNow",
];

/** `n1 n2 append 2`: from, to, kind, count; `*` and absence mean any. */
export function parseSelection(words: Words): Selection {
  const [from = "*", to = "*", kind = "*", count] = words.rest();
  const known = MESSAGE_KINDS.find((known) => known === kind) ?? null;
  assert(known !== null || kind === "*", `a kind of message, not ${kind}`);
  return {
    from: from === "*" ? null : from,
    to: to === "*" ? null : to,
    kind: known,
    count: count === undefined ? Number.MAX_SAFE_INTEGER : parseNumber(count),
  };
}
