/**
 * The bounds of the HTTP front, by default those of `base/limits.ts`.
 */

import { limits } from "../../base/mod.ts";

const DEFAULTS = {
  targetBytesMax: limits.targetBytesMax,
  headerBytesMax: limits.headerBytesMax,
  headerFieldsMax: limits.headerFieldsMax,
  connectionsMax: limits.connectionsMax,
  connectionsPerAddressMax: limits.connectionsPerAddressMax,
  refusedConnectionsMax: limits.refusedConnectionsMax,
  headerTimeoutMs: limits.headerTimeoutMs,
  bodyTimeoutMs: limits.bodyTimeoutMs,
  idleTimeoutMs: limits.idleTimeoutMs,
  lingerTimeoutMs: limits.lingerTimeoutMs,
  bodyBytesInFlightMax: limits.bodyBytesInFlightMax,
  pipelinedRequestsMax: limits.pipelinedRequestsMax,
  responseBatchBytes: limits.responseBatchBytes,
};

export type HttpLimits =
  & { readonly [Name in keyof typeof DEFAULTS]: number }
  & { readonly bodyBytesMax: number };

/** `bodyBytesMax` is what the service takes as a value: nothing larger is worth reading. */
export function httpLimits(bodyBytesMax: number, overrides: Partial<HttpLimits>): HttpLimits {
  return { ...DEFAULTS, bodyBytesMax, ...overrides };
}
