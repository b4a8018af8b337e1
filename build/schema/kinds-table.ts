// Writes what upstream's discovery and printers say of each served resource, in discovery's order, as one JSON array of KindFacts
// (declared in internal/kinds/generated/kinds.ts): names, scope, verbs, subresources, columns, schema.
import type { DiscoveredResource, Facts, Gvk } from './facts.ts';

export function kindsTable(facts: Facts): string {
  const schemaOf = schemaIndex(facts);
  const lines: string[] = [];
  for (const root of ['/api', '/apis']) {
    for (const { metadata, versions } of facts.discovery[root]?.items ?? []) {
      for (const { version, resources } of versions) {
        const group = metadata.name ?? '';
        for (const entry of resources) lines.push(JSON.stringify(kindFacts(entry, { group, version, facts, schemaOf })));
      }
    }
  }
  return `[\n${lines.join(',\n')}\n]`;
}

interface Place {
  group: string;
  version: string;
  facts: Facts;
  schemaOf: (gvk: Gvk) => string;
}

function kindFacts(entry: DiscoveredResource, { group, version, facts, schemaOf }: Place): object {
  const gvk = resolve(entry.responseKind, { group, version });
  const prefix = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return {
    group, version, kind: gvk.kind, resource: entry.resource, singular: entry.singularResource,
    shortNames: entry.shortNames ?? [], categories: entry.categories ?? [], namespaced: entry.scope === 'Namespaced', verbs: entry.verbs,
    subresources: (entry.subresources ?? []).map((sub) => ({ name: sub.subresource, ...resolve(sub.responseKind, { group, version }), verbs: sub.verbs })),
    schema: schemaOf(gvk),
    columns: (facts.columns[`${prefix}/${entry.resource}`] ?? []).map(({ name, type, format, priority }) => ({ name, type, format, priority })),
  };
}

// Discovery leaves group and version empty where they are the resource's own.
function resolve(kind: Gvk | undefined, { group, version }: { group: string; version: string }): Gvk {
  if (kind === undefined) return { group, version, kind: '' };
  const own = kind.group === '' && kind.version === '';
  return { group: own ? group : kind.group, version: kind.version === '' ? version : kind.version, kind: kind.kind };
}

function schemaIndex(facts: Facts): (gvk: Gvk) => string {
  const ids = new Map<string, string>();
  for (const [id, definition] of Object.entries(facts.v2.definitions)) {
    for (const { group, version, kind } of definition['x-kubernetes-group-version-kind'] ?? []) ids.set(`${group}/${version}/${kind}`, id);
  }
  return ({ group, version, kind }) => ids.get(`${group}/${version}/${kind}`) ?? '';
}
