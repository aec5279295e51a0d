/**
 * Layer 4: metrics for Prometheus.
 *
 * Duty: names, units and meanings of everything that is counted elsewhere, and its text format.
 * Invariants:
 * - base units (seconds, bytes), `_total` for what only grows, one name for one thing;
 * - labels have few values, all known beforehand: routes, statuses, members; never a key;
 * - nothing here runs unless somebody asks.
 * May import: base, service.
 */

export { type Exposition, exposition } from "./exposition.ts";
export { counter, type Family, gauge, histogram, type Sample, seconds } from "./family.ts";
export { nodeFamilies } from "./node_families.ts";
