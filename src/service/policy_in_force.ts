/**
 * The policy by which this node judges: the rules of its files and those that the cluster keeps, as
 * far as this node has applied them.
 *
 * Invariant: a decision goes by everything that was applied before it. While Casbin is on its way
 * into the process, which happens once, there is no decision.
 */

import {
  type Casbin,
  loadCasbin,
  parseRule,
  Permissions,
  type Rule,
  ruleText,
  type SourcedRule,
} from "../access/mod.ts";
import { assert, Bell, err, fromUtf8, type Log, ok, type Result } from "../base/mod.ts";
import type { Replica } from "../node/mod.ts";
import { refusal, type ServiceError } from "./errors.ts";

/** All rules of the files, read anew, or what is wrong with them. */
export type PolicyFiles = () => Result<readonly SourcedRule[], string>;

export type PolicyInForceOptions = {
  readonly replica: Replica;
  readonly log: Log;
  /** Absent: the configuration names none. */
  readonly files?: PolicyFiles | undefined;
};

/** Where a rule stands that is in no file. */
const CLUSTER = "cluster";

export class PolicyInForce {
  /** Rings when there is another policy, or any record has changed. */
  readonly changes = new Bell();
  /** What is wrong with the files as they are now; null: nothing. */
  trouble: string | null = null;
  readonly #options: PolicyInForceOptions;
  readonly #loaded = Promise.withResolvers<void>();
  #fileRules: readonly SourcedRule[] = [];
  #storedRules: readonly SourcedRule[] = [];
  #casbin: Casbin | null = null;
  #isLoading = false;
  #permissions: Permissions | null = null;
  /** Counts what `changes` rings for. */
  #version = 0;
  #recordsVersion = -1;

  private constructor(options: PolicyInForceOptions) {
    this.#options = options;
  }

  /** Reads the files, and gets ready to decide if there is anything to go by already. */
  static async open(options: PolicyInForceOptions): Promise<Result<PolicyInForce, string>> {
    const policy = new PolicyInForce(options);
    const read = options.files?.() ?? ok([]);
    if (!read.ok) return read;
    policy.#fileRules = read.value;
    // Casbin should be there before the first request that has to wait for it.
    options.replica.advances.listen(() => policy.#follow());
    policy.#follow();
    if (policy.exists) await policy.#loaded.promise;
    return ok(policy);
  }

  /** Whether anything goes by it: else everybody whom the node lets in may do everything. */
  get exists(): boolean {
    this.#follow();
    return this.#options.files !== undefined || this.#storedRules.length > 0;
  }

  get version(): number {
    this.#follow();
    return this.#version;
  }

  /** In the order in which people read them: files first. */
  get rules(): readonly SourcedRule[] {
    this.#follow();
    return [...this.#fileRules, ...this.#storedRules];
  }

  /** Null: there is no policy. */
  permissions(): Result<Permissions | null, ServiceError> {
    if (!this.exists) return ok(null);
    return this.#permissions === null ? LOADING : ok(this.#permissions);
  }

  /** Reads the files anew. If anything is wrong with them, what they said before stays in force. */
  reload(): void {
    const { files, log } = this.#options;
    if (files === undefined) return;
    const read = files();
    this.trouble = read.ok ? null : read.error;
    if (!read.ok) return log.error("policy not reloaded", { reason: read.error });
    const before = new Set(textsOf(this.#fileRules));
    const after = new Set(textsOf(read.value));
    this.#fileRules = read.value;
    const added = after.difference(before).size;
    const removed = before.difference(after).size;
    if (added + removed === 0) return;
    log.info("policy reloaded", { added, removed, rules: after.size });
    this.#renew();
  }

  /** Looks for changes of records. */
  #follow(): void {
    const { replica } = this.#options;
    const { recordsVersion } = replica.state;
    if (recordsVersion === this.#recordsVersion) return;
    this.#recordsVersion = recordsVersion;
    const stored = storedRules(replica).map((rule) => ({ rule, source: CLUSTER }));
    const isSame = textsOf(stored).join("\n") === textsOf(this.#storedRules).join("\n");
    this.#storedRules = stored;
    if (isSame && this.#version > 0) this.#tell();
    else this.#renew();
  }

  #renew(): void {
    this.#permissions = null;
    if (this.exists && this.#casbin === null) void this.#load();
    else if (this.exists && this.#casbin !== null) {
      this.#permissions = new Permissions(this.#casbin, this.rules.map(({ rule }) => rule));
    }
    this.#tell();
  }

  #tell(): void {
    this.changes.ring(++this.#version);
  }

  async #load(): Promise<void> {
    if (this.#isLoading) return;
    this.#isLoading = true;
    this.#casbin = await loadCasbin();
    this.#loaded.resolve();
    this.#renew();
  }
}

/** As far as this node has applied. */
export function storedRules(replica: Replica): Rule[] {
  return replica.state.records("policy").map(({ name, body }) => {
    const text = fromUtf8(body);
    const rule = text.ok ? parseRule(text.value) : text;
    assert(rule.ok, `policy ${name} is a record that this version can read`);
    return rule.value;
  });
}

function textsOf(rules: readonly SourcedRule[]): string[] {
  return rules.map(({ rule }) => ruleText(rule));
}

const LOADING = err(refusal("policyLoading", "The node is getting ready to judge by a policy."));
