/**
 * The package that writes metrics, as a module of its own: bundled, a package of CommonJS that is
 * imported by itself when it is needed would have its exports in another place.
 */

export { Registry } from "prom-client";
