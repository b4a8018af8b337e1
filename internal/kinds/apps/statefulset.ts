// StatefulSet: defaults and row (upstream: pkg/apis/apps).
import { objectAge } from '../../api/age.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { copy } from '../../api/meta.ts';
import { forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { dnsLabelName, dnsLabelProblems } from '../../api/names.ts';
import type { StatefulSet } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { containerCells } from '../cells.ts';
import { intOrPercentProblems, isZero, nonNegative, notOver100Percent } from '../numbers.ts';
import { podSpecDefaults } from '../pod-spec/defaults.ts';
import { notDecremented, validateSelectorAndTemplate } from '../core/pod-template.ts';
import { isNews, templateWarnings } from '../pod-spec/warnings.ts';
import { claimSpecWarnings } from '../core/claim-warnings.ts';
import { validateClaimSpec } from '../core/claim-validation.ts';

const WITHIN = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const;
const COUNTS = ['replicas', ...WITHIN, 'observedGeneration', 'collisionCount'] as const;
/** Everything else of the spec is for good. */
const CHANGEABLE = ['replicas', 'template', 'updateStrategy', 'minReadySeconds', 'ordinals', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy'] as const;

export const statefulSet: KindRules<StatefulSet> = {
  warnings: statefulSetWarnings,
  validateName: dnsLabelName,
  applyDefaults,
  prepareForCreate: (draft) => {
    draft.status = { replicas: 0, availableReplicas: 0 };
    dropMaxUnavailable(draft);
  },
  prepareForUpdate: (draft, old) => {
    draft.status = copy(old.status ?? { replicas: 0 });
    if (old.spec?.updateStrategy?.rollingUpdate?.maxUnavailable === undefined) dropMaxUnavailable(draft);
  },
  validateCreate: (object) => validate(object, true),
  validateUpdate: (object, old) => [...validate(object, false), ...validateChanges(object, old)],
  validateStatusUpdate: ({ status = { replicas: 0 } }, old) => [
    ...COUNTS.flatMap((field) => nonNegative(status[field], `status.${field}`)),
    ...WITHIN.flatMap((field) => ((status[field] ?? 0) > (status.replicas ?? 0) ? [invalid(`status.${field}`, status[field] ?? 0, 'cannot be greater than status.replicas')] : [])),
    ...((status.availableReplicas ?? 0) > (status.readyReplicas ?? 0) ? [invalid('status.availableReplicas', status.availableReplicas ?? 0, 'cannot be greater than status.readyReplicas')] : []),
    ...notDecremented(status, old.status),
  ],
  cells: (object, now) => [
    object.metadata.name, `${String(object.status?.readyReplicas ?? 0)}/${String(object.spec.replicas ?? 0)}`, objectAge(object, now),
    ...containerCells(object.spec.template.spec?.containers),
  ],
};

/** Of a feature that is off by default (MaxUnavailableStatefulSet). */
function dropMaxUnavailable({ spec }: StatefulSet): void {
  delete spec?.updateStrategy?.rollingUpdate?.maxUnavailable;
}

function applyDefaults({ spec }: StatefulSet): void {
  if (spec === undefined) return;
  spec.podManagementPolicy ||= 'OrderedReady';
  spec.updateStrategy ??= {};
  if (!spec.updateStrategy.type) {
    spec.updateStrategy.type = 'RollingUpdate';
    spec.updateStrategy.rollingUpdate ??= {};
  }
  if (spec.updateStrategy.type === 'RollingUpdate' && spec.updateStrategy.rollingUpdate !== undefined) spec.updateStrategy.rollingUpdate.partition ??= 0;
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  podSpecDefaults(spec.template?.spec);
  for (const claim of spec.volumeClaimTemplates ?? []) {
    if (claim.spec !== undefined) claim.spec.volumeMode ??= 'Filesystem';
    claim.apiVersion ||= 'v1';
    claim.kind ||= 'PersistentVolumeClaim';
    claim.status = { ...claim.status, phase: claim.status?.phase ?? 'Pending' };
  }
}

/** The name of its service and its claims never change: what is wrong with stored ones is let be. */
function validate({ spec }: StatefulSet, isNew: boolean): FieldError[] {
  const { podManagementPolicy, persistentVolumeClaimRetentionPolicy: policy, serviceName = '' } = spec;
  const errors: FieldError[] = [];
  if (!podManagementPolicy) errors.push(required('spec.podManagementPolicy'));
  else if (podManagementPolicy !== 'OrderedReady' && podManagementPolicy !== 'Parallel') errors.push(invalid('spec.podManagementPolicy', podManagementPolicy, "must be 'OrderedReady' or 'Parallel'"));
  errors.push(...validateStrategy(spec));
  for (const when of ['whenDeleted', 'whenScaled'] as const) {
    const what = policy?.[when] ?? 'Retain';
    if (what !== 'Retain' && what !== 'Delete') errors.push(notSupported(`spec.persistentVolumeClaimRetentionPolicy.${when}`, what, ['Retain', 'Delete']));
  }
  errors.push(...nonNegative(spec.replicas, 'spec.replicas'), ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'), ...nonNegative(spec.ordinals?.start, 'spec.ordinals.start'));
  if (isNew && serviceName !== '') errors.push(...dnsLabelProblems(serviceName).map((problem) => invalid('spec.serviceName', serviceName, problem)));
  const claims = (isNew ? spec.volumeClaimTemplates ?? [] : []).flatMap((claim, index) => validateClaimSpec(claim.spec ?? {}, `spec.volumeClaimTemplates[${String(index)}].spec`));
  return [...errors, ...claims, ...validateSelectorAndTemplate({ ...spec, template: asMade(spec) }, 'spec', { selecting: 'statefulset', timed: 'StatefulSet' })];
}

/** The template as pods get it: with the claims as volumes, host name and subdomain of their own. */
function asMade({ template, volumeClaimTemplates = [] }: StatefulSet['spec']): StatefulSet['spec']['template'] {
  if (template.spec === undefined) return template;
  const { subdomain: _subdomain, hostname: _hostname, ...spec } = template.spec;
  const names = new Set(volumeClaimTemplates.map(({ metadata: { name } = { name: '' } }: { metadata?: { name: string } }) => name));
  const claims = Array.from(names, (name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  const volumes = [...claims, ...(spec.volumes ?? []).filter(({ name }) => !claims.some((claim) => claim.name === name))];
  return { ...template, spec: { ...spec, ...(volumes.length > 0 && { volumes }) } };
}

function validateStrategy({ updateStrategy }: StatefulSet['spec']): FieldError[] {
  const path = 'spec.updateStrategy';
  const { type, rollingUpdate } = updateStrategy ?? {};
  if (!type) return [required(path)];
  if (type === 'OnDelete') return rollingUpdate === undefined ? [] : [invalid(`${path}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")];
  if (type !== 'RollingUpdate') return [invalid(path, { Type: type, RollingUpdate: rollingUpdate ?? null }, "must be 'RollingUpdate' or 'OnDelete'")];
  const errors = nonNegative(rollingUpdate?.partition, `${path}.rollingUpdate.partition`);
  const most = rollingUpdate?.maxUnavailable;
  if (most === undefined) return errors;
  const at = `${path}.rollingUpdate.maxUnavailable`;
  return [...errors, ...intOrPercentProblems(most, at), ...(isZero(most) ? [invalid(at, most, 'cannot be 0')] : []), ...notOver100Percent(most, at)];
}

function validateChanges({ spec }: StatefulSet, old: StatefulSet): FieldError[] {
  const fixed = (from: StatefulSet['spec']): object => Object.fromEntries(Object.entries(from).filter(([field]) => !(CHANGEABLE as readonly string[]).includes(field)));
  return sameSemantically(fixed(spec), fixed(old.spec)) ? [] : [forbidden('spec', "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden")];
}

function statefulSetWarnings(object: StatefulSet, old?: StatefulSet): string[] {
  const { template, volumeClaimTemplates = [], revisionHistoryLimit = 0 } = object.spec ?? {};
  return [
    ...(isNews(object, old) ? templateWarnings(template, 'spec.template') : []),
    ...volumeClaimTemplates.flatMap(({ spec }, index) => (spec === undefined ? [] : claimSpecWarnings(spec, `spec.volumeClaimTemplates[${String(index)}]${old === undefined ? '' : '.Spec'}`))),
    ...(revisionHistoryLimit < 0 ? ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended'] : []),
  ];
}
