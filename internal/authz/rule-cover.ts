// Whether rules held cover rules wanted: each wanted rule is taken apart into single permissions, and what no held rule gives is told as upstream
// writes it, verbs of one resource together.
import type { PolicyRule } from './rbac.ts';

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}` for each that is not covered. */
export function missingRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): string[] {
  const missing = wanted.flatMap(singles).filter((one) => !held.some((rule) => covers(rule, one)));
  const texts = missing.filter(({ url }) => url !== undefined).map((one) => text(one, [one.verb]));
  const byResource = Map.groupBy(missing.filter(({ url }) => url === undefined), ({ group, resource, name }) => JSON.stringify([group, resource, name]));
  for (const ones of byResource.values()) if (ones[0] !== undefined) texts.push(text(ones[0], ones.map(({ verb }) => verb)));
  return [...new Set(texts)].sort();
}

/** As Go prints a list of strings. */
export function quotedList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;
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
  for (const group of apiGroups) for (const resource of resources) for (const verb of verbs) for (const name of resourceNames.length === 0 ? [undefined] : resourceNames) found.push({ verb, group, resource, ...(name !== undefined && { name }) });
  for (const verb of verbs) for (const url of nonResourceURLs) found.push({ verb, url });
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

function text({ group, resource, name, url }: Single, verbs: readonly string[]): string {
  const what = url !== undefined ? `NonResourceURLs:${quotedList([url])}` : `APIGroups:${quotedList([group ?? ''])}, Resources:${quotedList([resource ?? ''])}${name === undefined ? '' : `, ResourceNames:${quotedList([name])}`}`;
  return `{${what}, Verbs:${quotedList(verbs)}}`;
}
