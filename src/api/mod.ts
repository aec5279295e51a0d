/**
 * Layer 4: the protocols in which Keva can be spoken to.
 *
 * Duty: adapters; each decodes, calls the service, encodes.
 * Invariants: no adapter knows another; none holds replicated state.
 * May import: base, service.
 */

export * from "./http/mod.ts";
