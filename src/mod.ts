/**
 * Keva as a library: a node to embed, a cluster for tests, and a client.
 *
 * @module
 */

export * from "./client/mod.ts";
export type { Config } from "./config/mod.ts";
export type { OpenOptions } from "./embedding.ts";
export { KevaNode, type KevaNodeOptions } from "./keva_node.ts";
export { createTestCluster, type TestCluster, type TestClusterOptions } from "./test_cluster.ts";
