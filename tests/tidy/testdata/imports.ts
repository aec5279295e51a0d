// One import of each kind, for the test of readGraph(). Never run.
import { ROOT } from "../../../tools/paths.ts";
import type { Layer } from "../../../tools/layers.ts";
import { parse } from "smol-toml";

export const layer: Layer = { folder: ROOT, imports: [String(parse(""))] };
export const bundler = import("../../../tools/bundle.ts");
