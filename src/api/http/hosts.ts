/**
 * The names under which clients may ask for this server, in their Host.
 *
 * A web page can give its own name the address of a server that only its visitor can reach, and then
 * send that server requests from the visitor's browser (DNS rebinding). Such requests carry the
 * page's name. An IP address is no name that a page could have got hold of that way.
 */

import { latin1Text } from "../../base/mod.ts";

const ALWAYS = ["localhost"];
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const IPV6 = /^\[[0-9a-fA-F:.]+\]$/;
const COLON = 0x3a;

export class Hosts {
  readonly #names: ReadonlySet<string>;
  /** The last Host that was let in: a client goes on to send the same one. */
  #last: Uint8Array = new Uint8Array(0);

  /** `names` in any case, without ports. */
  constructor(names: readonly string[]) {
    this.#names = new Set([...ALWAYS, ...names].map((name) => name.toLowerCase()));
  }

  /** Whether the value of a Host, with or without a port, is one of this server's. */
  accepts(bytes: Uint8Array, from: number, to: number): boolean {
    if (this.#isLast(bytes, from, to)) return true;
    if (!this.#knows(latin1Text(bytes, from, to))) return false;
    this.#last = bytes.slice(from, to);
    return true;
  }

  #isLast(bytes: Uint8Array, from: number, to: number): boolean {
    const last = this.#last;
    if (last.length === 0 || last.length !== to - from) return false;
    for (let i = 0; i < last.length; i++) if (bytes[from + i] !== last[i]) return false;
    return true;
  }

  #knows(host: string): boolean {
    const name = withoutPort(host).toLowerCase();
    if (IPV4.test(name) || IPV6.test(name)) return true;
    // "host1." is host1, with the root of all names spelled out.
    return this.#names.has(name.endsWith(".") ? name.slice(0, -1) : name);
  }
}

/** The colons of an IPv6 address stand in brackets. */
function withoutPort(host: string): string {
  let end = host.length;
  while (end > 0 && isDigit(host.charCodeAt(end - 1))) end--;
  return end > 0 && host.charCodeAt(end - 1) === COLON ? host.slice(0, end - 1) : host;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
