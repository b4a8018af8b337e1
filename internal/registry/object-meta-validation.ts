// What every object's metadata must satisfy, whatever its kind (upstream: apimachinery/pkg/api/validation/objectmeta.go; its words).
import { parseApiVersion, type KubeObject, type ObjectMeta, type OwnerReference } from '../api/meta.ts';
import { forbidden, invalid, required, tooLong, type FieldError } from '../api/field-error.ts';
import { equals } from './reuse.ts';

const ANNOTATIONS_BYTES_MAX = 256 * 1024;
const LABEL_KEY = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_KEY_REGEXP = new RegExp(`^${LABEL_KEY}$`);
const LABEL_VALUE_REGEXP = new RegExp(`^(${LABEL_KEY})?$`);
const SUBDOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';
const SUBDOMAIN_REGEXP = new RegExp(`^${SUBDOMAIN}$`);
const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const LABEL_REGEXP = new RegExp(`^${LABEL}$`);

export type NameRule = (name: string, prefix: boolean) => string[];

export function validateObjectMeta({ metadata }: KubeObject, namespaced: boolean, nameRule: NameRule = subdomainRule): FieldError[] {
  const { name, namespace = '', generateName = '' } = metadata;
  const errors: FieldError[] = [];
  if (generateName !== '') for (const message of nameRule(generateName, true)) errors.push(invalid('metadata.generateName', generateName, message));
  if (!name) errors.push(required('metadata.name', 'name or generateName is required'));
  else errors.push(...nameErrors(name, nameRule));
  if (!namespaced && namespace !== '') errors.push(forbidden('metadata.namespace', 'not allowed on this type'));
  if (namespaced && namespace === '') errors.push(required('metadata.namespace'));
  else if (namespaced) for (const message of labelRule(namespace)) errors.push(invalid('metadata.namespace', namespace, message));
  return [...errors, ...validateCommon(metadata), ...validateFinalizers(metadata.finalizers)];
}

/** Any name must fit in a path; what the kind's own rule refuses is not said twice. */
function nameErrors(name: string, rule: NameRule): FieldError[] {
  const own = rule(name, false);
  return (own.length > 0 ? own : pathSegmentRule(name)).map((message) => invalid('metadata.name', name, message));
}

export function validateObjectMetaUpdate({ metadata }: KubeObject, { metadata: old }: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp !== undefined) {
    const added = (metadata.finalizers ?? []).filter((finalizer) => !(old.finalizers ?? []).includes(finalizer)).sort();
    if (added.length > 0) errors.push(forbidden('metadata.finalizers', `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((one) => JSON.stringify(one)).join(', ')}}`));
  }
  for (const field of ['name', 'namespace', 'uid', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    if (!equals(metadata[field], old[field])) errors.push(invalid(`metadata.${field}`, metadata[field], 'field is immutable'));
  }
  return [...errors, ...validateCommon(metadata), ...validateFinalizers(metadata.finalizers)];
}

function validateCommon({ labels, annotations, ownerReferences, generation = 0 }: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  if (generation < 0) errors.push(invalid('metadata.generation', generation, 'must be greater than or equal to 0'));
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const message of labelKeyRule(key)) errors.push(invalid('metadata.labels', key, message));
    for (const message of labelValueRule(value)) errors.push(invalid('metadata.labels', value, message));
  }
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const message of labelKeyRule(key.toLowerCase())) errors.push(invalid('metadata.annotations', key, message));
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > ANNOTATIONS_BYTES_MAX) errors.push(tooLong('metadata.annotations', ANNOTATIONS_BYTES_MAX));
  return ownerReferences === undefined ? errors : [...errors, ...validateOwnerReferences(ownerReferences)];
}

function validateOwnerReferences(owners: OwnerReference[]): FieldError[] {
  const errors: FieldError[] = [];
  let controller = '';
  for (const owner of owners) {
    const { group, version } = parseApiVersion(owner.apiVersion ?? '');
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

const STANDARD_FINALIZERS: ReadonlySet<string> = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

function validateFinalizers(finalizers: string[] = []): FieldError[] {
  const errors = finalizers.flatMap((finalizer) => labelKeyRule(finalizer).map((message) => invalid('metadata.finalizers', finalizer, message)));
  finalizers.forEach((finalizer, index) => {
    if (!finalizer.includes('/') && !STANDARD_FINALIZERS.has(finalizer) && labelKeyRule(finalizer).length === 0) errors.push(invalid(`metadata.finalizers[${String(index)}]`, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'));
  });
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) errors.push(invalid('metadata.finalizers', finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  return errors;
}

/** DNS-1123 subdomain: what most kinds' names are. With `prefix`, a trailing dash is fine: more follows. */
export function subdomainRule(name: string, prefix = false): string[] {
  const text = prefix && name.endsWith('-') && name.length > 1 ? `${name.slice(0, -1)}a` : name;
  const messages = text.length > 253 ? ['must be no more than 253 characters'] : [];
  if (!SUBDOMAIN_REGEXP.test(text)) {
    messages.push(`a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`);
  }
  return messages;
}

function labelRule(name: string): string[] {
  const messages = name.length > 63 ? ['must be no more than 63 characters'] : [];
  if (!LABEL_REGEXP.test(name)) {
    messages.push(`a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`);
  }
  return messages;
}

function pathSegmentRule(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter((sign) => name.includes(sign)).map((sign) => `may not contain '${sign}'`);
}

function labelKeyRule(key: string): string[] {
  const words = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${LABEL_KEY}')`;
  const parts = key.split('/');
  if (parts.length > 2) return [`a valid label key ${words} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const name = parts.at(-1) ?? '';
  const messages: string[] = [];
  if (parts.length === 2) {
    if (parts[0] === '') messages.push('prefix part must be non-empty');
    else messages.push(...subdomainRule(parts[0] ?? '').map((message) => `prefix part ${message}`));
  }
  if (name === '') messages.push('name part must be non-empty');
  else if (name.length > 63) messages.push('name part must be no more than 63 bytes');
  if (!LABEL_KEY_REGEXP.test(name)) messages.push(`name part ${words}`);
  return messages;
}

function labelValueRule(value: string): string[] {
  const messages = value.length > 63 ? ['must be no more than 63 bytes'] : [];
  if (!LABEL_VALUE_REGEXP.test(value)) {
    messages.push(`a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${LABEL_KEY})?')`);
  }
  return messages;
}
