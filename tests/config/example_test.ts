/** keva.toml.example says the truth about every setting. */

import assert from "node:assert/strict";
import { loadConfig, nodeConfig, type Setting, settings } from "../../src/config/mod.ts";

const example = Deno.readTextFileSync(new URL("../../keva.toml.example", import.meta.url));

function load(text: string) {
  const file = { path: "keva.toml.example", text };
  const loaded = loadConfig({ file, env: {}, set: [] });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.value;
}

/** The commented setting and the sentences above it, on one line. */
function documentation(setting: Setting): { text: string; value: string } {
  const [table, key] = setting.path.length === 2 ? setting.path : [null, setting.path[0]];
  const start = table === null ? 0 : example.indexOf(`\n[${table}]\n`);
  assert.ok(start >= 0, `no table [${table}]`);
  const section = example.slice(start).split(/\n\[/, table === null ? 1 : 2).join("\n[");
  const found = new RegExp(`((?:^# .*\\n)+)^# ${key} = (.*)$`, "m").exec(section);
  assert.ok(found, `${setting.name} is not in the example`);
  return {
    text: (found[1] as string).replaceAll(/\n?# /g, " ").replaceAll("\n", " "),
    value: found[2] as string,
  };
}

for (const setting of settings()) {
  Deno.test(`keva.toml.example tells unit, default and bounds of ${setting.name}`, () => {
    const { text, value } = documentation(setting);
    const unit = setting.unit[0]?.toUpperCase() + setting.unit.slice(1);
    const expected = `${unit}; default ${setting.standard}; ${setting.allowed}.`;
    assert.ok(text.includes(expected), `"${expected}" is missing in:${text}`);
    const isSentence = setting.name === "timing.heartbeat_ms" || setting.unit === "path";
    if (!isSentence) assert.equal(value, setting.standard);
  });
}

Deno.test("keva.toml.example with every setting put in force is the same but for paths", () => {
  const inForce = example.replaceAll(/^# (\w+ = [^ ]+)$/gm, "$1");
  const uncommented = inForce.split("\n").filter((line, i) => line !== example.split("\n")[i]);
  assert.equal(uncommented.length, settings().length);
  const { tls, ...config } = load(inForce).config;
  assert.ok(tls !== undefined);
  assert.deepEqual({ ...config, keys: {} }, load(example).config);
});

Deno.test("keva.toml.example holds three nodes that can start on one machine", () => {
  for (const identity of ["host1", "host2", "host3"]) {
    assert.ok(nodeConfig(load(example), { identity }).ok);
  }
  assert.equal(load(example).config.nodes.length, 3);
});
