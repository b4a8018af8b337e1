// Metadata of what objects are made from (claims of pods, resource claims): labels and annotations, and nothing else (upstream:
// ValidateTemplateObjectMeta).
import { forbidden, invalid, tooLong, type FieldError } from '../api/field-error.ts';
import type { ObjectMeta } from '../api/meta.ts';
import { labelKeyProblems } from '../api/names.ts';
import { validateLabels } from './label-selector.ts';

// By upstream's names, in its order.
const NOT_TAKEN: readonly (readonly [field: keyof ObjectMeta | 'selfLink', told: string])[] = [
  ['name', 'name'], ['generateName', 'generateName'], ['namespace', 'namespace'], ['selfLink', 'selfLink'], ['uid', 'uID'], ['resourceVersion', 'resourceVersion'], ['generation', 'generation'],
  ['creationTimestamp', 'creationTimestamp'], ['deletionTimestamp', 'deletionTimestamp'], ['deletionGracePeriodSeconds', 'deletionGracePeriodSeconds'], ['ownerReferences', 'ownerReferences'], ['finalizers', 'finalizers'], ['managedFields', 'managedFields'],
];
const ANNOTATIONS_BYTES_MAX = 256 * 1024;

export function validateTemplateMetadata(metadata: Partial<ObjectMeta> = {}, path: string): FieldError[] {
  const said = metadata as Record<string, unknown>;
  const extra = NOT_TAKEN.filter(([field]) => isSet(said[field]));
  return [...validateAnnotations(metadata.annotations ?? {}, `${path}.annotations`), ...validateLabels(metadata.labels, `${path}.labels`), ...extra.map(([, told]) => forbidden(`${path}.${told}`, 'cannot be set'))];
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && value !== 0 && !(Array.isArray(value) && value.length === 0);
}

function validateAnnotations(annotations: Readonly<Record<string, string>>, path: string): FieldError[] {
  const entries = Object.entries(annotations);
  const errors = entries.flatMap(([key]) => labelKeyProblems(key.toLowerCase()).map((problem) => invalid(path, key, problem)));
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return size > ANNOTATIONS_BYTES_MAX ? [...errors, tooLong(path, ANNOTATIONS_BYTES_MAX)] : errors;
}
