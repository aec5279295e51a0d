/**
 * Keva as a library: a node to embed, and a client.
 *
 * @module
 */

export * from "./client/mod.ts";
export type { Config } from "./config/mod.ts";
export { KevaNode, type KevaNodeOptions } from "./keva_node.ts";
