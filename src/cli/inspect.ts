import { Command } from "@commander-js/extra-typings";
import type { Context } from "./context.ts";
export function inspectCommand(_context: Context) {
  return new Command("inspect");
}
