// Conflicts of an apply: fields it would change that others own, and the 409 that tells them all.
import { StatusError, type StatusCause } from '../../base/errors.ts';
import type { Delta } from './compare.ts';
import type { Owner, Owners } from './field-owners.ts';
import { intersection, pathsOf, type FieldSet } from './field-set.ts';

export interface Conflict {
  owner: Owner;
  fields: FieldSet;
}

export function conflictsOf(owners: Owners, deltaIn: (apiVersion: string) => Delta | undefined, self: string): Conflict[] {
  const others = [...owners].filter(([identity]) => identity !== self).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return others.map(([, owner]) => ({ owner, fields: intersection(owner.fields, deltaIn(owner.apiVersion)?.changed) })).filter(({ fields }) => fields !== undefined);
}

export function conflictError(conflicts: readonly Conflict[]): StatusError {
  const all = conflicts.map(({ owner, fields }) => ({ name: nameOf(owner), paths: pathsOf(fields) }));
  const causes: StatusCause[] = all.flatMap(({ name, paths }) => paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${name}`, field })));
  const [only] = causes;
  const message = causes.length === 1 && only !== undefined
    ? `Apply failed with 1 conflict: ${only.message}: ${only.field ?? ''}`
    : `Apply failed with ${String(causes.length)} conflicts: ${all.flatMap(({ name, paths }) => [`conflicts with ${name}:`, ...paths.map((path) => `- ${path}`)]).join('\n')}`;
  return new StatusError('Conflict', message, { details: { causes } });
}

function nameOf({ manager, operation, apiVersion, subresource }: Owner): string {
  const through = subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(manager)}${through}${operation === 'Update' ? ` using ${apiVersion}` : ''}`;
}
