/**
 * Layer 4: configuration.
 *
 * Duty: from `keva.toml`, `KEVA_…` variables and flags to one typed, validated, frozen value, or
 * to every problem at once, each with its file and line, its field, and what is allowed.
 * Invariants: flags win over the environment, which wins over the file, which wins over defaults;
 * an unknown key is an error; every setting has a reader.
 * May import: base, keys.
 */

export * from "./config.ts";
export { type DkvStart, dkvStart } from "./dkv.ts";
export { hostAndPort, isLoopback } from "./address.ts";
export { type Setting, settings } from "./schema.ts";
export { type Origin, originText, type Problem, problemText, type Sources } from "./source.ts";
export { isAuthenticated, isKeyed, trustWarnings } from "./trust.ts";
