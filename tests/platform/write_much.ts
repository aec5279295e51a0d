/** Writes more to standard output than a pipe holds, then ends as usual. For process_test.ts. */

import { thisProcess } from "../../src/platform/mod.ts";

const { stdout } = thisProcess();
const line = `${"x".repeat(1023)}\n`;
for (let i = 0; i < 4096; i++) stdout.write(line);
