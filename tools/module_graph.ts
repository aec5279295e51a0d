/**
 * Reads the import graph of this project with `deno info` and judges it by the table of layers.ts.
 *
 * The judges are pure: they take a graph and return one sentence for each fault.
 */

import { fromFileUrl, ROOT, toFileUrl } from "./paths.ts";
import { type Layer, LAYERS, ROOTS } from "./layers.ts";

export interface Import {
  /** Path from the root of the project, as in `src/raft/log.ts`. */
  from: string;
  to: string;
  typeOnly: boolean;
}

export interface ModuleGraph {
  modules: string[];
  imports: Import[];
}

interface Info {
  modules: {
    specifier: string;
    error?: string;
    dependencies?: {
      specifier: string;
      code?: { specifier?: string; error?: string };
      type?: { specifier?: string; error?: string };
    }[];
  }[];
}

/** The graph of `files` and of what they import, without packages. */
export async function readGraph(files: string[]): Promise<ModuleGraph> {
  const graph: ModuleGraph = { modules: [], imports: [] };
  for (const module of (await denoInfo(files)).modules) {
    const from = fromFileUrl(module.specifier);
    if (from === undefined || module.error !== undefined) continue; // The type check names errors.
    graph.modules.push(from);
    for (const { code, type } of module.dependencies ?? []) {
      const to = fromFileUrl((code ?? type)?.specifier ?? "");
      if (to !== undefined) graph.imports.push({ from, to, typeOnly: code === undefined });
    }
  }
  return graph;
}

/** `deno info` takes one module, so that one is made: it imports them all. */
async function denoInfo(files: string[]): Promise<Info> {
  const directory = await Deno.makeTempDir({ prefix: "keva-graph-" });
  try {
    const all = files.map((file) => `import ${JSON.stringify(toFileUrl(file))};`).join("\n");
    await Deno.writeTextFile(`${directory}/all.ts`, all);
    const { success, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", `${ROOT}/deno.json`, `${directory}/all.ts`],
      cwd: ROOT,
      stderr: "inherit",
    }).output();
    if (!success) throw new Error("deno info failed; its message is above.");
    return JSON.parse(new TextDecoder().decode(stdout)) as Info;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** The folder of src that a module belongs to; undefined for src/mod.ts and all outside of src. */
export function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

/** Imports that the table does not allow, or that pass by a folder's mod.ts. */
export function importFaults(imports: Import[], layers: Layer[] = LAYERS): string[] {
  return imports.flatMap((edge) => {
    const { from, to } = edge;
    if (!from.startsWith("src/") && from !== "main.ts") return []; // Tests may look inside.
    const source = folderOf(from);
    const target = folderOf(to);
    if (target === undefined) {
      const fine = source === undefined; // main.ts and src/mod.ts may import what they like.
      return fine
        ? []
        : [`${from} imports ${to}: only main.ts may import from outside of a folder`];
    }
    if (source === target) return [];
    if (to !== `src/${target}/mod.ts`) {
      return [`${from} imports ${to}: import src/${target}/mod.ts, the public face of that folder`];
    }
    return source === undefined ? [] : layerFault(edge, source, target, layers);
  });
}

function layerFault(edge: Import, source: string, target: string, layers: Layer[]): string[] {
  const layer = layers.find(({ folder }) => folder === source);
  if (layer === undefined) {
    return [`${edge.from}: the folder ${source} is not in the table of tools/layers.ts`];
  }
  if (layer.imports.includes(target)) return [];
  if (!layer.types?.includes(target)) {
    return [`${edge.from} imports ${target}: ${source} may import ${describe(layer)}`];
  }
  return edge.typeOnly
    ? []
    : [`${edge.from} imports ${target}: ${source} may only \`import type\` from it`];
}

function describe({ imports, types = [] }: Layer): string {
  const all = [...imports, ...types.map((folder) => `${folder} types`)];
  return all.length === 0 ? "no other folder" : `only ${all.join(", ")}`;
}

/** Lines of the table that name a folder which does not stand above them. */
export function tableFaults(layers: Layer[] = LAYERS): string[] {
  return layers.flatMap(({ folder, imports, types = [] }, index) => {
    const above = layers.slice(0, index).map((layer) => layer.folder);
    return [...imports, ...types]
      .filter((name) => !above.includes(name))
      .map((name) => `${folder} may import ${name}, which does not stand above it in the table`);
  });
}

/** Modules of src that cannot be reached from main.ts or src/mod.ts. */
export function unreachable({ modules, imports }: ModuleGraph, roots: string[] = ROOTS): string[] {
  const reached = new Set(roots);
  for (const module of reached) { // A set also visits what is added to it meanwhile.
    for (const { from, to } of imports) if (from === module) reached.add(to);
  }
  return modules.filter((path) => path.startsWith("src/") && !reached.has(path)).sort();
}

/** Circles of folders, as in `raft → kv → raft`; types count, since circles are about reading. */
export function folderCycles(imports: Import[]): string[] {
  const next = new Map<string, Set<string>>();
  for (const edge of imports) {
    const [from, to] = [folderOf(edge.from), folderOf(edge.to)];
    if (from === undefined || to === undefined || from === to) continue;
    next.set(from, (next.get(from) ?? new Set()).add(to));
  }
  const cycles = new Set<string>();
  const finished = new Set<string>();
  const visit = (folder: string, trail: string[]): void => {
    const start = trail.indexOf(folder);
    if (start >= 0) cycles.add([...trail.slice(start), folder].join(" → "));
    if (start >= 0 || finished.has(folder)) return;
    for (const follower of next.get(folder) ?? []) visit(follower, [...trail, folder]);
    finished.add(folder);
  };
  for (const folder of next.keys()) visit(folder, []);
  return [...cycles];
}
