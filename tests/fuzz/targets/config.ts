/** The configuration file. */

import { loadConfig, nodeConfig, problemText } from "../../../src/config/mod.ts";
import { ROOT } from "../../../tools/paths.ts";
import { latin1Bytes } from "../corpus.ts";
import type { Target } from "../target.ts";
import { expect, expectPrintable } from "./check.ts";

const SMALL = `[[node]]
identity = "n1"
address = "127.0.0.1"
keva_port = 4001
user_port = "8001"
wait_time = 0.5
`;

const decoder = new TextDecoder();

export const config: Target = {
  name: "config",
  smokeCases: 1_000,
  seeds: () => [
    latin1Bytes(SMALL),
    latin1Bytes(`insecure = true\nlog.level = "debug"\n[timing]\nheartbeat_ms = 100\n${SMALL}`),
    Deno.readFileSync(`${ROOT}/keva.toml.example`),
  ],
  tokens: [
    "[[node]]\n",
    "[limits]\n",
    "[cluster]\nname = 'x'\n",
    "[storage]\nsegment_bytes = 1048576\n",
    'log = {level = "info", format = 1}\n',
    "wait_time = ",
    "__proto__",
    "constructor.prototype.x = 1\n",
    "= {",
    "= [",
    "[[",
    "]]",
    '"""',
    "'''",
    "\\u0000",
    "\\U0010FFFF",
    "nan",
    "-inf",
    "1e999",
    "9223372036854775808",
    "0x7fffffffffffffff",
    "1979-05-27T07:32:00Z",
    "\u001b[31m",
    "\r\n",
  ],
  run(input) {
    const text = decoder.decode(input);
    const file = { path: "keva.toml", text };
    const loaded = loadConfig({ file, env: {}, set: [] });
    if (!loaded.ok) {
      expect(loaded.error.length > 0, () => "refused without a reason");
      for (const problem of loaded.error) expectPrintable(problemText(problem), "a problem");
      return messageKind(loaded.error[0]?.message ?? "");
    }
    const { config, warnings, value, origin } = loaded.value;
    for (const warning of warnings) expectPrintable(warning, "a warning");
    for (const path of [["node", 0, "identity"], ["limits", "value_bytes_max"], ["__proto__"]]) {
      value(path);
      origin(path);
    }
    for (const { identity } of config.nodes) {
      const chosen = nodeConfig(loaded.value, { identity });
      if (!chosen.ok) expectPrintable(problemText(chosen.error), "a problem");
    }
    const timing = config.timing.heartbeatIntervalMs;
    expect(Number.isSafeInteger(timing) && timing > 0, () => `a heartbeat each ${timing} ms`);
    return `${config.nodes.length} nodes`;
  },
};

/** The sentence without the names in it. */
function messageKind(message: string): string {
  if (message.startsWith("unknown key")) return "unknown key";
  return message.split(" ").slice(0, 6).join(" ");
}
