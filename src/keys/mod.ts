/**
 * Layer 1: the keys by which nodes know each other.
 *
 * Duty: Ed25519 keys as text: public ones in the line that OpenSSH uses, private ones in PKCS#8 or
 * as `ssh-keygen` writes them.
 * Invariants: a private key never becomes part of an error, a log line or an inspection.
 * May import: base.
 */

export * from "./authorised.ts";
export * from "./private_key.ts";
export * from "./public_key.ts";
