// A pod against a level of a version: every check that holds there, in upstream's order, and what they found in its words.
import { BASELINE_CHECKS } from './baseline-checks.ts';
import type { Check, Finding, Subject } from './check.ts';
import type { LevelVersion } from './policy.ts';
import { RESTRICTED_CHECKS } from './restricted-checks.ts';

export function evaluate(subject: Subject, { level, minor }: LevelVersion): Finding[] {
  if (level === 'privileged') return [];
  const holds = ({ since, until = Number.POSITIVE_INFINITY }: Check): boolean => since <= minor && (minor < until || until === Number.POSITIVE_INFINITY);
  const restricted = level === 'restricted' ? RESTRICTED_CHECKS.filter(holds) : [];
  const overridden = new Set(restricted.map(({ overrides }) => overrides));
  const baseline = BASELINE_CHECKS.filter((check) => holds(check) && !overridden.has(check.id));
  return [...baseline, ...restricted].flatMap((check) => check.find(subject) ?? []);
}

/** `host namespaces (hostPID=true), hostPort (…)` */
export function detailsOf(findings: readonly Finding[]): string {
  return findings.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');
}

export function reasonsOf(findings: readonly Finding[]): string {
  return findings.map(({ reason }) => reason).join(', ');
}
