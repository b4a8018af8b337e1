// Whether rules held cover rules wanted: each wanted rule is taken apart into single permissions, and what no held rule gives is told as upstream writes it.
import type { PolicyRule } from './rbac.ts';

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}` for each that is not covered. */
export function missingRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): string[] {
  const missing = wanted.flatMap(singles).filter((one) => !held.some((rule) => covers(rule, one)));
  return [...new Set(missing.map(text))].sort();
}

interface Single {
  verb: string;
  group?: string;
  resource?: string;
  name?: string;
  url?: string;
}

function singles({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule): Single[] {
  const found: Single[] = [];
  for (const verb of verbs) {
    for (const url of nonResourceURLs) found.push({ verb, url });
    for (const group of apiGroups) for (const resource of resources) for (const name of resourceNames.length === 0 ? [undefined] : resourceNames) found.push({ verb, group, resource, ...(name !== undefined && { name }) });
  }
  return found;
}

function covers(rule: PolicyRule, { verb, group, resource, name, url }: Single): boolean {
  const has = (list: readonly string[] | undefined, value: string): boolean => list !== undefined && (list.includes('*') || list.includes(value));
  if (!has(rule.verbs, verb)) return false;
  if (url !== undefined) return (rule.nonResourceURLs ?? []).some((own) => own === url || own === '*' || (own.endsWith('*') && url.startsWith(own.slice(0, -1))));
  const sub = resource?.split('/')[1];
  const names = rule.resourceNames ?? [];
  return has(rule.apiGroups, group ?? '') && (has(rule.resources, resource ?? '') || (sub !== undefined && rule.resources?.includes(`*/${sub}`) === true)) && (names.length === 0 || (name !== undefined && names.includes(name)));
}

function text({ verb, group, resource, name, url }: Single): string {
  if (url !== undefined) return `{NonResourceURLs:[${JSON.stringify(url)}], Verbs:[${JSON.stringify(verb)}]}`;
  return `{APIGroups:[${JSON.stringify(group)}], Resources:[${JSON.stringify(resource)}]${name === undefined ? '' : `, ResourceNames:[${JSON.stringify(name)}]`}, Verbs:[${JSON.stringify(verb)}]}`;
}
