// Which objects a list or a watch shows: label and field selectors, parsed once, and what they say about where to look.
import { StatusError } from '../base/errors.ts';
import type { KubeObject } from '../api/meta.ts';
import { parseFieldSelector, parseLabelSelector } from '../api/selectors.ts';
import type { Kind } from '../kinds/kind.ts';
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
  const named = new Set(['metadata.name', 'metadata.namespace']);
  const simple = wanted.every((field) => named.has(field));
  let known = simple;
  const fieldsOf = (object: KubeObject): Record<string, string> => {
    const own = { 'metadata.name': object.metadata.name, 'metadata.namespace': object.metadata.namespace ?? '' };
    if (simple) return own;
    const all = { ...selectable?.(object), ...own };
    if (!known) checkKnown(wanted, all);
    known = true;
    return all;
  };
  if (!simple && kind.custom !== undefined) checkCustom(kind, wanted);
  else if (!simple && selectable === undefined) checkKnown(wanted, { 'metadata.name': '', 'metadata.namespace': '' });
  return {
    namespace: namespace === '' && kind.namespaced ? (exact('metadata.namespace') ?? '') : namespace,
    name: exact('metadata.name'),
    everything: false,
    matches: (object) => (labelSelector === '' || labels.matches(object.metadata.labels)) && (wanted.length === 0 || fields.matches(fieldsOf(object))),
  };
}

/** Custom kinds say what they select by before there is any object. */
function checkCustom({ rules }: Kind, wanted: readonly string[]): void {
  const known = { 'metadata.name': '', 'metadata.namespace': '', ...rules.selectableFields?.({ metadata: {} } as KubeObject) };
  for (const field of wanted) if (!(field in known)) throw new StatusError('BadRequest', `field label not supported: ${field}`);
}

function checkKnown(wanted: readonly string[], known: Readonly<Record<string, string>>): void {
  for (const field of wanted) if (!(field in known)) throw new StatusError('BadRequest', unsupportedField(field, Object.keys(known)));
}

function unsupportedField(field: string, known: readonly string[]): string {
  // Kinds with fields of their own answer in their own words, as upstream's conversion functions do.
  return known.length > 2 ? `field label not supported: ${field}` : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`;
}
