// Which objects a list or a watch shows: label and field selectors, parsed once, and what they say about where to look.
import type { KubeObject } from '../api/meta.ts';
import { parseFieldSelector, parseLabelSelector } from '../api/selectors.ts';
import type { Kind } from '../kinds/kind.ts';
import { checkFieldLabels } from './field-labels.ts';
import type { ReadOptions } from './registry.ts';

export interface Selection {
  /** '' for all. A field selector on metadata.namespace narrows it. */
  namespace: string;
  /** Set when the field selector names one object. */
  name: string | undefined;
  /** Everything in the namespace is selected. */
  everything: boolean;
  matches(object: KubeObject): boolean;
}

/** StatusError BadRequest when a selector cannot be read or names a field that the kind does not select by. */
export function selectionOf(kind: Kind, { namespace, labelSelector = '', fieldSelector = '' }: ReadOptions): Selection {
  if (labelSelector === '' && fieldSelector === '') return { namespace, name: undefined, everything: true, matches: () => true };
  const labels = parseLabelSelector(labelSelector);
  const fields = parseFieldSelector(fieldSelector);
  const exact = (field: string): string | undefined => fields.requirements.find((one) => one.field === field && one.operator === '=')?.value;
  const selectable = kind.rules.selectableFields;
  const wanted = fields.requirements.map((one) => one.field);
  checkFieldLabels(kind, wanted);
  const simple = wanted.every((field) => field === 'metadata.name' || field === 'metadata.namespace');
  const fieldsOf = (object: KubeObject): Record<string, string> => ({ ...(!simple && selectable?.(object)), 'metadata.name': object.metadata.name, 'metadata.namespace': object.metadata.namespace ?? '' });
  return {
    namespace: namespace === '' && kind.namespaced ? (exact('metadata.namespace') ?? '') : namespace,
    name: exact('metadata.name'),
    everything: false,
    matches: (object) => (labelSelector === '' || labels.matches(object.metadata.labels)) && (wanted.length === 0 || fields.matches(fieldsOf(object))),
  };
}
