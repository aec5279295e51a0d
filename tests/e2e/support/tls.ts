/** Clusters whose nodes serve clients by TLS, and curl as their client. */

import { Authority, LOCAL_NAMES, type Pair } from "../../support/certificates.ts";
import type { Cluster, Node } from "./cluster.ts";
import type { ClientTls } from "./http.ts";
import { textOf } from "./kv.ts";
import { output } from "./process.ts";

/** In front of the tables of the nodes; the files lie where the configuration does. */
export const TLS = `[tls]
certificate = "server.pem"
private_key = "server.key"
client_ca = "ca.pem"
`;

export type Certificates = {
  readonly ca: Authority;
  readonly server: Pair;
  /** Of a client. */
  readonly web: Pair;
};

export async function newCertificates(name: string): Promise<Certificates> {
  const ca = await Authority.make(`CN=${name}`);
  return {
    ca,
    server: await ca.issue({ subject: "CN=node", names: LOCAL_NAMES }),
    web: await ca.issue({ subject: "CN=web" }),
  };
}

/** As `web`, who trusts these authorities. */
export function clientTls({ web }: Certificates, trusted: readonly Authority[]): ClientTls {
  const caCerts = trusted.map(({ certificate }) => certificate);
  return { caCerts, cert: web.certificate, key: web.privateKey };
}

/** As `name`.pem and `name`.key, each moved into its place as a whole. */
export function writePair(cluster: Cluster, name: string, pair: Pair): void {
  replaceFile(`${cluster.directory}/${name}.pem`, pair.certificate);
  replaceFile(`${cluster.directory}/${name}.key`, pair.privateKey);
}

export function replaceFile(path: string, text: string): void {
  Deno.writeTextFileSync(`${path}.next`, text, { mode: 0o600 });
  Deno.renameSync(`${path}.next`, path);
}

export type CurlAnswer = { readonly status: number; readonly body: string; readonly error: string };

/** curl in the cluster's directory, which trusts ca.pem; status 0: there was no answer. */
export async function curl(
  cluster: Cluster,
  node: Node,
  target: string,
  args: readonly string[] = [],
): Promise<CurlAnswer> {
  const url = `https://localhost:${node.userPort}${target}`;
  const fixed = ["-sS", "--max-time", "20", "--cacert", "ca.pem", "-w", "\n%{http_code}"];
  const { stdout, stderr } = await runCurl([...fixed, ...args, url], cluster.directory);
  const text = textOf(stdout);
  const end = text.lastIndexOf("\n");
  return { status: Number(text.slice(end + 1)), body: text.slice(0, end), error: stderr };
}

export async function runCurl(
  args: readonly string[],
  cwd: string,
): Promise<Awaited<ReturnType<typeof output>>> {
  try {
    return await output("curl", { args, cwd });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error("this test needs the program curl, which is not on this machine");
  }
}
