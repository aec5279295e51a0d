/**
 * Which folder of src may import which: the table that the layering test enforces.
 *
 * The list is ordered from the bottom up, and a folder may name only folders above its own line;
 * so the table cannot describe a cycle. `types` lists folders from which only `import type` is
 * allowed: their vocabulary, without their behaviour.
 */

export interface Layer {
  folder: string;
  imports: string[];
  types?: string[];
}

export const LAYERS: Layer[] = [
  { folder: "base", imports: [] },
  { folder: "raft", imports: ["base"] },
  { folder: "kv", imports: ["base"] },
  { folder: "keys", imports: ["base"] },
  { folder: "access", imports: ["base"] },
  // Of raft: its nouns and their bytes (`raft/codec.ts`), never its behaviour.
  { folder: "storage", imports: ["base", "raft"] },
  { folder: "peers", imports: ["base", "raft"] },
  { folder: "node", imports: ["base", "raft", "kv", "storage", "peers"] },
  { folder: "service", imports: ["base", "keys", "access", "node"], types: ["kv"] },
  { folder: "api", imports: ["base", "service"] },
  { folder: "client", imports: ["base"] },
  { folder: "config", imports: ["base", "keys"] },
  { folder: "platform", imports: ["base"] },
  { folder: "memory", imports: ["base"] },
  {
    folder: "cli",
    // `keva inspect` reads storage and kv; `keva serve` builds the node with its service and api.
    imports: [
      "base",
      "access",
      "client",
      "config",
      "keys",
      "storage",
      "kv",
      "node",
      "service",
      "api",
    ],
  },
];

/** The modules from which everything else is reached; they may import every folder's mod.ts. */
export const ROOTS = ["main.ts", "src/mod.ts"];
