// Kinds whose objects are made when asked for (metrics): get and list, by name and labels.
import { notFound } from '../base/errors.ts';
import { apiVersionOf } from '../api/meta.ts';
import { parseFieldSelector, parseLabelSelector } from '../api/selectors.ts';
import { checkFieldLabels } from '../registry/field-labels.ts';
import type { Answer, Call } from './call.ts';

export async function getMade({ request: { info }, kind }: Call): Promise<Answer> {
  const all = (await kind.made?.()) ?? [];
  const found = all.find(({ metadata }) => metadata.name === info.name && (metadata.namespace ?? '') === (kind.namespaced ? info.namespace : ''));
  if (found === undefined) throw notFound(kind, info.name);
  return { code: 200, body: found };
}

export async function listMade({ request: { info, options }, kind }: Call): Promise<Answer> {
  const labels = parseLabelSelector(options.labelSelector);
  const fields = parseFieldSelector(options.fieldSelector);
  checkFieldLabels(kind, fields.requirements.map(({ field }) => field));
  const all = (await kind.made?.()) ?? [];
  const items = all.filter(({ metadata }) => {
    const { name, namespace = '' } = metadata;
    return (!kind.namespaced || info.namespace === '' || namespace === info.namespace) && labels.matches(metadata.labels) && fields.matches({ 'metadata.name': name, 'metadata.namespace': namespace });
  });
  return { code: 200, body: { apiVersion: apiVersionOf(kind.group, kind.version), kind: kind.listKind ?? `${kind.kind}List`, metadata: {}, items } as unknown as NonNullable<Answer['body']> };
}
