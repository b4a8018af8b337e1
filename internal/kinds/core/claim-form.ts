// What a volume claim asks for as upstream's messages show it.
import type { PersistentVolumeClaim } from '../generated/api-types.ts';
import { ALWAYS, goForm, sortedKeys, type GoForm } from '../go-form.ts';

const SOURCE: GoForm = [['apiGroup', 'APIGroup', null], ['kind', 'Kind', ''], ['name', 'Name', '']];
const CLAIM: GoForm = [
  ['accessModes', 'AccessModes', null], ['selector', 'Selector', null], ['resources', 'Resources', ALWAYS, [['limits', 'Limits', null], ['requests', 'Requests', null]]],
  ['volumeName', 'VolumeName', ''], ['storageClassName', 'StorageClassName', null], ['volumeMode', 'VolumeMode', null], ['dataSource', 'DataSource', null, SOURCE],
  ['dataSourceRef', 'DataSourceRef', null, [...SOURCE, ['namespace', 'Namespace', null]]], ['volumeAttributesClassName', 'VolumeAttributesClassName', null],
];

export function claimAsGoPrints(spec: PersistentVolumeClaim['spec']): object {
  const { selector, resources } = spec;
  return goForm(CLAIM, {
    ...spec,
    ...(selector !== undefined && { selector: { matchLabels: sortedKeys(selector.matchLabels), matchExpressions: selector.matchExpressions?.map(({ key = '', operator = '', values }: { key?: string; operator?: string; values?: readonly string[] }) => ({ key, operator, values })) } }),
    resources: { limits: sortedKeys(resources?.limits), requests: sortedKeys(resources?.requests) },
  });
}
