/**
 * What the HTTP front tells Prometheus.
 */

import { counter, type Family, gauge, histogram, seconds } from "../metrics/mod.ts";
import type { HttpCounters } from "./counters.ts";

export function httpFamilies(counters: HttpCounters): Family[] {
  const { open, accepted, refused, malformed, timeouts } = counters;
  const { handshakesFailed, certificateEndsAtMs } = counters;
  const routes = counters.routes.filter(({ answers }) => answers.length > 0);
  return [
    counter(
      "keva_http_requests_total",
      "Answered requests by route and status; HEAD counts as GET.",
      routes.flatMap(({ method, path, answers }) =>
        answers.map(({ status, count }) => ({
          labels: { method, route: path, status: String(status) },
          value: count,
        }))
      ),
    ),
    histogram(
      "keva_http_request_duration_seconds",
      "From when a request was complete to when its answer was.",
      routes.map(({ method, path, durationMs }) => ({
        labels: { method, route: path },
        distribution: seconds(durationMs),
      })),
    ),
    gauge("keva_http_connections", "Open connections.", open),
    counter("keva_http_connections_accepted_total", "Connections let in.", accepted),
    counter("keva_http_connections_refused_total", "Connections turned away by a cap.", refused),
    counter(
      "keva_http_handshakes_failed_total",
      "Connections that ended before TLS had let them in.",
      handshakesFailed,
    ),
    ...certificateEndsAtMs === null ? [] : [
      gauge(
        "keva_http_certificate_end_seconds",
        "When the certificate for clients ends, in seconds since 1970.",
        certificateEndsAtMs / 1000,
      ),
    ],
    counter(
      "keva_http_requests_malformed_total",
      "Requests that were not valid HTTP or broke a limit.",
      malformed,
    ),
    counter(
      "keva_http_timeouts_total",
      "Connections ended because the client took too long.",
      timeouts,
    ),
  ];
}
