/**
 * Finds exported names that nobody imports.
 *
 * A type that its own module mentions is spared: callers of what mentions it must be able to name
 * it, even if none does so today.
 *
 * The lint runtime parses: a plugin that reports nothing writes down what each module exports and
 * imports. That runtime exists only inside of `deno test`.
 */

import { fromFileUrl, toFileUrl } from "./paths.ts";

/** Stands for every name of a module, as in `import * as x` and `export * from`. */
const ALL = "*";

/** A name of another module: imported, or passed on under the name `as`. */
interface Link {
  module: string;
  name: string;
  as: string;
}

export interface ModuleNames {
  /** Names that the module declares and exports. */
  exports: string[];
  imports: Link[];
  passedOn: Link[];
  /** Types that the module mentions, in the signature of something else. */
  mentioned: Set<string>;
}

/** The names of `source`; `path` is its path from the root of the project. */
export function readNames(path: string, source: string): ModuleNames {
  const names: ModuleNames = { exports: [], imports: [], passedOn: [], mentioned: new Set() };
  const linkTo = (target: Deno.lint.StringLiteral | null, list: Link[]) => {
    const relative = target !== null && /^\.{0,2}\//.test(target.value);
    const module = relative ? fromFileUrl(new URL(target.value, toFileUrl(path)).href) : undefined;
    return (name: string, as: string): void => {
      if (module !== undefined) list.push({ module, name, as });
    };
  };
  Deno.lint.runPlugin(
    {
      name: "names",
      rules: {
        collect: {
          create: () => ({
            ImportDeclaration(node): void {
              const add = linkTo(node.source, names.imports);
              for (const specifier of node.specifiers) add(importedName(specifier), ALL);
            },
            ImportExpression(node): void {
              if (node.source.type === "Literal") {
                linkTo(node.source as Deno.lint.StringLiteral, names.imports)(ALL, ALL);
              }
            },
            ExportAllDeclaration(node): void {
              const as = node.exported === null ? ALL : nameOf(node.exported);
              linkTo(node.source, names.passedOn)(ALL, as);
            },
            ExportDefaultDeclaration(): void {
              names.exports.push("default");
            },
            ExportNamedDeclaration(node): void {
              const add = linkTo(node.source, names.passedOn);
              for (const { local, exported } of node.specifiers) {
                if (node.source) add(nameOf(local), nameOf(exported));
                else names.exports.push(nameOf(exported));
              }
              if (node.declaration) names.exports.push(...declaredNames(node.declaration));
            },
            TSTypeReference({ typeName }): void {
              if (typeName.type === "Identifier") names.mentioned.add(typeName.name);
            },
            TSInterfaceHeritage({ expression }): void {
              if (expression.type === "Identifier") names.mentioned.add(expression.name);
            },
          }),
        },
      },
    },
    path,
    source,
  );
  return names;
}

function importedName(
  specifier:
    | Deno.lint.ImportSpecifier
    | Deno.lint.ImportDefaultSpecifier
    | Deno.lint.ImportNamespaceSpecifier,
): string {
  if (specifier.type === "ImportSpecifier") return nameOf(specifier.imported);
  return specifier.type === "ImportDefaultSpecifier" ? "default" : ALL;
}

function nameOf(node: Deno.lint.Identifier | Deno.lint.StringLiteral): string {
  return node.type === "Identifier" ? node.name : node.value;
}

function declaredNames(declaration: Deno.lint.Node): string[] {
  if (declaration.type === "VariableDeclaration") {
    return declaration.declarations.flatMap(({ id }) => id.type === "Identifier" ? [id.name] : []);
  }
  const { id } = declaration as { id?: Deno.lint.Identifier | null };
  return id?.type === "Identifier" ? [id.name] : [];
}

/**
 * Exported names of src that no module imports, as `path: name`. `library` is the module whose
 * exports are for others to import. Tests count as users: they may look inside.
 */
export function unusedExports(
  modules: ReadonlyMap<string, ModuleNames>,
  library = "src/mod.ts",
): string[] {
  const used = new Set<string>();
  const use = (module: string, name: string): void => {
    const key = `${module}: ${name}`;
    const names = modules.get(module);
    if (names === undefined || used.has(key)) return;
    used.add(key);
    if (name === ALL) { for (const exported of names.exports) used.add(`${module}: ${exported}`); }
    for (const link of names.passedOn) {
      if (link.as === name || (name === ALL && link.as !== ALL)) use(link.module, link.name);
      if (link.as === ALL && name !== "default") use(link.module, name);
      if (name === ALL) used.add(`${module}: ${link.as}`);
    }
  };
  use(library, ALL);
  for (const { imports } of modules.values()) {
    for (const { module, name } of imports) use(module, name);
  }
  const isMentioned = (module: string, name: string): boolean => {
    const names = modules.get(module);
    const links = names?.passedOn.filter(({ as }) => as === name || as === ALL) ?? [];
    return names?.mentioned.has(name) === true ||
      links.some((link) => isMentioned(link.module, link.as === ALL ? name : link.name));
  };
  const unused: string[] = [];
  for (const [path, { exports, passedOn }] of modules) {
    if (!path.startsWith("src/")) continue;
    const passed = passedOn.map(({ as }) => as).filter((name) => name !== ALL);
    for (const name of [...exports, ...passed]) {
      if (!used.has(`${path}: ${name}`) && !isMentioned(path, name)) {
        unused.push(`${path}: ${name}`);
      }
    }
  }
  return unused.sort();
}
