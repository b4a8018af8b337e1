// Whether an object is within a view's scope. Fields are read by their path, so no kind needs to be known: `spec.nodeName`, absent is ''.
import type { KubeObject } from '../api/meta.ts';
import { parseFieldSelector } from '../api/selectors.ts';
import type { ViewScope } from './view.ts';

export function scopeFilter({ namespace = '', fieldSelector = '' }: ViewScope): (object: KubeObject) => boolean {
  const selector = parseFieldSelector(fieldSelector);
  const fields = selector.requirements.map(({ field }) => field);
  return (object) => {
    if (namespace !== '' && object.metadata.namespace !== namespace) return false;
    return fields.length === 0 || selector.matches(Object.fromEntries(fields.map((field) => [field, valueAt(object, field)])));
  };
}

export function scopeKey({ namespace = '', fieldSelector = '' }: ViewScope): string {
  return `${namespace}?${fieldSelector}`;
}

function valueAt(object: unknown, path: string): string {
  let value = object;
  for (const part of path.split('.')) value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined;
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
