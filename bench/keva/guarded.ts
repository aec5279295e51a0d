/** A cluster whose clients show a token, and may do what a policy says. */

import type { Cluster } from "../../tests/e2e/support/cluster.ts";

/** In front of the tables of the nodes. */
export const GUARDED = '[access]\nclients = "authenticated"\npolicy = "policy.csv"\n';

const ROLE = "bench";

/** Two rules for each digit with which a key can begin, and what the bench itself needs. */
export async function writePolicy({ directory }: Cluster): Promise<void> {
  const digits = Array.from({ length: 16 }, (_, digit) => digit.toString(16));
  const rules = digits.flatMap((digit) =>
    ["produce", "consume"].map((action) => `p, role:${ROLE}, ${digit}, ${action}`)
  );
  const text = [...rules, `p, role:${ROLE}, *, inspect`].join("\n");
  await Deno.writeTextFile(`${directory}/policy.csv`, text);
}

/** Made by the operator; the nodes' own clients show it from now on. */
export async function tokenFor(cluster: Cluster): Promise<string> {
  const [first] = cluster.nodes;
  const { code, stdout, stderr } = await cluster.keva([
    ...["token", "create", "bench", "--role", ROLE],
    ...["--token-file", `${first?.data}/operator.token`],
    ...["--endpoints", `127.0.0.1:${first?.userPort}`],
  ]);
  if (code !== 0) throw new Error(`no token: ${stderr}`);
  const token = new TextDecoder().decode(stdout).trim();
  for (const { client } of cluster.nodes) client.token = token;
  return token;
}
