// What every object's metadata must satisfy, whatever its kind (upstream: apimachinery/pkg/api/validation/objectmeta.go; its words).
import { sameJson } from '../api/json-equality.ts';
import { parseApiVersion, type KubeObject, type ObjectMeta, type OwnerReference } from '../api/meta.ts';
import { forbidden, invalid, required, tooLong, type FieldError } from '../api/field-error.ts';
import { dnsLabelProblems, labelKeyProblems, labelValueProblems, pathSegmentProblems, subdomainName } from '../api/names.ts';
import type { KindRules } from '../kinds/kind.ts';

const ANNOTATIONS_BYTES_MAX = 256 * 1024;

export type NameRule = (name: string, prefix: boolean) => string[];

/** What a kind's rules say of metadata. */
type MetaRules = Pick<KindRules, 'validateName' | 'plainFinalizers'>;

export function validateObjectMeta({ metadata }: KubeObject, namespaced: boolean, { validateName: nameRule = subdomainName, plainFinalizers }: MetaRules = {}): FieldError[] {
  const { name, namespace = '', generateName = '' } = metadata;
  const errors: FieldError[] = [];
  if (generateName !== '') for (const message of nameRule(generateName, true)) errors.push(invalid('metadata.generateName', generateName, message));
  if (!name) errors.push(required('metadata.name', 'name or generateName is required'));
  else errors.push(...nameErrors(name, nameRule));
  if (!namespaced && namespace !== '') errors.push(forbidden('metadata.namespace', 'not allowed on this type'));
  if (namespaced && namespace === '') errors.push(required('metadata.namespace'));
  else if (namespaced) for (const message of dnsLabelProblems(namespace)) errors.push(invalid('metadata.namespace', namespace, message));
  return [...errors, ...validateCommon(metadata), ...validateFinalizers(metadata.finalizers, plainFinalizers)];
}

/** Any name must fit in a path; what the kind's own rule refuses is not said twice. */
function nameErrors(name: string, rule: NameRule): FieldError[] {
  const own = rule(name, false);
  return (own.length > 0 ? own : pathSegmentProblems(name, false)).map((message) => invalid('metadata.name', name, message));
}

export function validateObjectMetaUpdate({ metadata }: KubeObject, { metadata: old }: KubeObject, { plainFinalizers }: MetaRules = {}): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp !== undefined) {
    const added = (metadata.finalizers ?? []).filter((finalizer) => !(old.finalizers ?? []).includes(finalizer)).sort();
    if (added.length > 0) errors.push(forbidden('metadata.finalizers', `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((one) => JSON.stringify(one)).join(', ')}}`));
  }
  for (const field of ['name', 'namespace', 'uid', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    if (!sameJson(metadata[field], old[field])) errors.push(invalid(`metadata.${field}`, metadata[field], 'field is immutable'));
  }
  // Upstream says what changed twice: once for all kinds, once by each kind's own rules. The message has it once, the causes twice.
  return [...validateCommon(metadata), ...validateFinalizers(metadata.finalizers, plainFinalizers), ...errors, ...errors];
}

function validateCommon({ labels, annotations, ownerReferences, generation = 0 }: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  if (generation < 0) errors.push(invalid('metadata.generation', generation, 'must be greater than or equal to 0'));
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const message of labelKeyProblems(key)) errors.push(invalid('metadata.labels', key, message));
    for (const message of labelValueProblems(value)) errors.push(invalid('metadata.labels', value, message));
  }
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const message of labelKeyProblems(key.toLowerCase())) errors.push(invalid('metadata.annotations', key, message));
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > ANNOTATIONS_BYTES_MAX) errors.push(tooLong('metadata.annotations', ANNOTATIONS_BYTES_MAX));
  return ownerReferences === undefined ? errors : [...errors, ...validateOwnerReferences(ownerReferences)];
}

function validateOwnerReferences(owners: OwnerReference[]): FieldError[] {
  const errors: FieldError[] = [];
  let controller = '';
  for (const owner of owners) {
    const { group, version } = ownerVersion(owner.apiVersion ?? '');
    if (version === '') errors.push(invalid('metadata.ownerReferences.apiVersion', owner.apiVersion ?? '', 'version must not be empty'));
    for (const field of ['kind', 'name', 'uid'] as const) if (!owner[field]) errors.push(invalid(`metadata.ownerReferences.${field}`, owner[field] ?? '', 'must not be empty'));
    if (group === '' && version === 'v1' && owner.kind === 'Event') errors.push(invalid('metadata.ownerReferences', owner, '/v1, Kind=Event is disallowed from being an owner'));
    if (owner.controller !== true) continue;
    const name = `${owner.kind}/${owner.name}`;
    if (controller !== '') errors.push(invalid('metadata.ownerReferences', owners, `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`));
    else controller = name;
  }
  return errors;
}

/** What is no group and version has neither. */
function ownerVersion(apiVersion: string): { group: string; version: string } {
  return apiVersion.split('/').length > 2 ? { group: '', version: '' } : parseApiVersion(apiVersion);
}

const STANDARD_FINALIZERS: ReadonlySet<string> = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

function validateFinalizers(finalizers: string[] = [], plainFinalizers = false): FieldError[] {
  const errors = finalizers.flatMap((finalizer) => labelKeyProblems(finalizer).map((message) => invalid('metadata.finalizers', finalizer, message)));
  if (!plainFinalizers) finalizers.forEach((finalizer, index) => {
    if (!finalizer.includes('/') && !STANDARD_FINALIZERS.has(finalizer)) errors.push(invalid(`metadata.finalizers[${String(index)}]`, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'));
  });
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) errors.push(invalid('metadata.finalizers', finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  return errors;
}
