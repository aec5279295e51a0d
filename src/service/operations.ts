/**
 * The table of operations: what a caller can ask for, and the permission that it takes. Every
 * method of Service and every route of an adapter is named here, and tests enumerate both, so that
 * access control has one place to stand.
 */

/**
 * `public` is what a load balancer may know; it reveals nothing about keys, values or members. `own`
 * is about nothing but what the caller did before.
 */
export type Permission = "public" | "own" | "read" | "write" | "watch" | "inspect" | "admin";

/** What a caller needs. */
export type Demand = Exclude<Permission, "public" | "own">;

export type Operation = {
  readonly permission: Permission;
  readonly summary: string;
};

export const operations = {
  read: { permission: "read", summary: "The item under a key" },
  list: { permission: "read", summary: "The items under a prefix, in pages" },
  put: { permission: "write", summary: "Store an item under a key" },
  delete: { permission: "write", summary: "Remove the item under a key" },
  transact: { permission: "write", summary: "Check, read and change many keys at once" },
  request: { permission: "own", summary: "What became of a write with an idempotency key" },
  watch: { permission: "watch", summary: "Changes under a prefix, as they happen" },
  status: { permission: "inspect", summary: "This node's own view" },
  clusterStatus: { permission: "inspect", summary: "Every member's view" },
  metrics: { permission: "inspect", summary: "What this node has counted, for Prometheus" },
  keys: { permission: "inspect", summary: "The keys that this node knows others by" },
  reloadKeys: { permission: "admin", summary: "Read the keys of nodes anew, on this node" },
  listTokens: { permission: "admin", summary: "The tokens of clients, without their text" },
  createToken: { permission: "admin", summary: "Make a token for a client" },
  revokeToken: { permission: "admin", summary: "Let a token count no more" },
  listPolicy: { permission: "admin", summary: "The rules of who may do what" },
  addPolicy: { permission: "admin", summary: "Add a rule to those of the cluster" },
  removePolicy: { permission: "admin", summary: "Remove a rule from those of the cluster" },
  testPolicy: {
    permission: "admin",
    summary: "Whether somebody may do something, and by which rule",
  },
  live: { permission: "public", summary: "Whether the process is alive" },
  ready: { permission: "public", summary: "Whether linearizable reads work here" },
  describeApi: { permission: "public", summary: "This API as an OpenAPI document" },
  describe: { permission: "public", summary: "What this server is" },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;
