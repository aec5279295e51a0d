/** docs/data.md: every command as printed, in order, but for the ports. */

import assert from "node:assert/strict";
import { ROOT } from "../../tools/paths.ts";
import { clusterTest } from "./support/cluster.ts";
import { textOf } from "./support/kv.ts";
import { output } from "./support/process.ts";
import { commandsOf } from "./support/readme.ts";

/** What a command must have answered. Each must be needed by some command. */
const ANSWERS: readonly [command: RegExp, output: RegExp][] = [
  [/prefix=colour\/&values/, /"key":"colour\/apple".*"value":"red".*"value":"yellow"/],
  [/reverse=true/, /"items":\[\{"key":"colour\/lemon"[^{]*\],"next64":"/],
  [/"check"/, /"branch":"then","results":\[\{"existed":true\},\{"existed":true\}\]/],
  [/"sum"/, /"results":\[\{"value":"5"\},\{"bytes":16\}\]/],
  [/delete-range/, /"deleted":1/],
  [/openapi/, /^\{"openapi":"3\.1\.0"/],
  [/-i .*key\/offer$/, /keva-expires: 4102444800000\r\n/i],
  [/ndjson/, /^\{"key":"colour\/apple".*\}\n\{"key":"colour\/lemon".*\}\n$/],
];

clusterTest("docs/data.md: every command works as printed", {}, async ({ cluster }) => {
  await cluster.start();
  const unneeded = new Set(ANSWERS);
  for (const printed of commandsOf(Deno.readTextFileSync(`${ROOT}/docs/data.md`))) {
    const command = printed.replaceAll(/:380([123])/g, (_, node: string) => {
      return `:${cluster.nodes[Number(node) - 1]?.userPort}`;
    });
    const { code, stdout, stderr } = await output("sh", { args: ["-c", command] });
    assert.equal(code, 0, `${command}\n${stderr}`);
    const text = textOf(stdout);
    assert.doesNotMatch(text, /urn:keva:error/, command);
    for (const answer of ANSWERS.filter(([pattern]) => pattern.test(printed))) {
      assert.match(text, answer[1], command);
      unneeded.delete(answer);
    }
  }
  assert.deepEqual([...unneeded].map(([pattern]) => pattern.source), []);
});
