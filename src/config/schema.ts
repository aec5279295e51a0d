/**
 * Every key of `keva.toml`. A setting stands here with its unit, default and bounds, and is read
 * somewhere; `keva.toml.example` is tested against this file.
 */

import * as z from "zod";
import { limits } from "../base/mod.ts";
import {
  booleanSetting,
  choiceSetting,
  host,
  hostNames,
  nameSetting,
  nodeTables,
  pathSetting,
  pathsSetting,
  publicKeys,
  seconds,
  type SettingMeta,
  visibleName,
  wholeNumber,
  wholeSetting,
} from "./fields.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const port = wholeNumber("a port number", { min: 1, max: 65_535 });

/** Heartbeats per election timeout: one may be lost or late without an election. */
export const HEARTBEATS_PER_WAIT_TIME = 10;
/** At least this many heartbeats must fit into the shortest election timeout. */
export const HEARTBEATS_PER_WAIT_TIME_MIN = 3;

const nodeSchema = z.strictObject({
  identity: visibleName(),
  address: host(),
  /** For links between nodes. */
  keva_port: port,
  /** For HTTP. */
  user_port: port,
  /** Election timeout. */
  wait_time: seconds({ min: 0.1, max: 60 }).default(1000),
  /** By which the others know it. */
  public_key: publicKeys(),
});

const tables = {
  cluster: z.strictObject({ name: nameSetting("keva") }),
  http: z.strictObject({ hosts: hostNames() }),
  keys: z.strictObject({
    private_key: pathSetting("node.key in the working directory"),
    authorized_keys: pathSetting("none"),
  }),
  tls: z.strictObject({
    certificate: pathSetting("none"),
    private_key: pathSetting("none"),
    client_ca: pathSetting("none"),
    client_certificates: choiceSetting(["optional", "required"], "optional"),
  }),
  access: z.strictObject({
    clients: choiceSetting(["open", "authenticated"], "open"),
    policy: pathsSetting(),
  }),
  timing: z.strictObject({
    heartbeat_ms: wholeNumber("a whole number of milliseconds", { min: 5, max: 20_000 }).optional()
      .meta({
        unit: "milliseconds",
        standard: "a tenth of the shortest wait_time",
        allowed: "5 to 20000, and at most a third of the shortest wait_time",
      }),
  }),
  storage: z.strictObject({
    segment_bytes: wholeSetting("bytes", { standard: 64 * MIB, min: 64 * KIB, max: GIB }),
    snapshot_bytes: wholeSetting("bytes", { standard: 64 * MIB, min: 64 * KIB, max: 16 * GIB }),
    snapshot_entries: wholeSetting("entries", { standard: 100_000, min: 100, max: 100_000_000 }),
  }),
  limits: z.strictObject({
    value_bytes_max: wholeSetting("bytes", {
      standard: limits.valueBytesMax,
      min: 1,
      max: limits.valueBytesCeiling,
    }),
    connections_max: wholeSetting("connections", {
      standard: limits.connectionsMax,
      min: 8,
      max: 65_536,
    }),
    connections_per_address_max: wholeSetting("connections", {
      standard: limits.connectionsPerAddressMax,
      min: 8,
      max: 65_536,
    }),
    request_timeout_ms: wholeSetting("milliseconds", {
      standard: limits.requestTimeoutMs,
      min: 50,
      max: limits.requestTimeoutMsMax,
    }),
  }),
  log: z.strictObject({
    level: choiceSetting(["debug", "info", "warn", "error"], "info"),
    format: choiceSetting(["text", "json"], "text"),
  }),
};

export const schema = z.strictObject({
  insecure: booleanSetting(false),
  node: nodeTables(nodeSchema),
  cluster: tables.cluster.prefault({}),
  http: tables.http.prefault({}),
  keys: tables.keys.prefault({}),
  tls: tables.tls.prefault({}),
  access: tables.access.prefault({}),
  timing: tables.timing.prefault({}),
  storage: tables.storage.prefault({}),
  limits: tables.limits.prefault({}),
  log: tables.log.prefault({}),
});

export type RawConfig = z.infer<typeof schema>;

/** A setting outside `[[node]]`: it can also come from a variable or a flag. */
export type Setting = SettingMeta & {
  /** As in `["limits", "value_bytes_max"]`. */
  readonly path: readonly string[];
  /** As in `limits.value_bytes_max`. */
  readonly name: string;
  /** As in `KEVA_LIMITS_VALUE_BYTES_MAX`. */
  readonly variable: string;
};

export function settings(): Setting[] {
  const all = [setting(["insecure"], schema.shape.insecure)];
  for (const [table, { shape }] of Object.entries(tables)) {
    for (const [key, type] of Object.entries(shape)) all.push(setting([table, key], type));
  }
  return all;
}

function setting(path: string[], type: z.ZodType): Setting {
  return {
    ...type.meta() as SettingMeta,
    path,
    name: path.join("."),
    variable: `KEVA_${path.join("_").toUpperCase()}`,
  };
}

/** The keys that may stand in the table at `path`: for "did you mean". */
export function keysAt(path: readonly PropertyKey[]): string[] {
  const [table] = path;
  if (table === undefined) return Object.keys(schema.shape);
  if (table === "node") return Object.keys(nodeSchema.shape);
  return Object.keys(tables[table as keyof typeof tables]?.shape ?? {});
}
