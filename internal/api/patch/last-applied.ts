// The way from kubectl's client-side apply to the server's: fields as the last-applied annotation has them may be taken over by
// `kubectl apply --server-side` without conflict, and the annotation is kept in step afterwards.
import { readJson } from '../large-integers.ts';
import type { KubeObject } from '../meta.ts';
import type { Definition, Schemas } from '../schema.ts';
import { problemsOf } from './apply-check.ts';
import { fieldsOf } from './apply-trees.ts';
import { compareObjects } from './compare.ts';
import { difference, type FieldSet } from './field-set.ts';
import { rootShape } from './field-shape.ts';
import { isMembers, own, type Members } from './members.ts';

const ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';
const ANNOTATIONS_SIZE_MAX = 256 * 1024;

/** Fields that the annotation has as the live object has them. */
export function allowedByLastApplied(live: Members, { applied, definition, schemas }: { applied: KubeObject; definition: Definition; schemas: Schemas }): FieldSet {
  const last = parse(annotationsOf(live)?.[ANNOTATION]);
  if (last === undefined || last['apiVersion'] !== applied.apiVersion || problemsOf(last, definition, schemas) !== undefined) return undefined;
  const delta = compareObjects(last, live, { definition, schemas, ignored: {} });
  return difference(difference(fieldsOf(last, { shape: rootShape(definition), schemas }), delta?.changed), delta?.removed);
}

/** Brings an annotation that is there up to date; one that would grow too large goes. */
export function withLastApplied(result: KubeObject, applied: KubeObject): void {
  const { annotations } = result.metadata;
  if (annotations === undefined || !annotations[ANNOTATION]) return;
  const { [ANNOTATION]: _, ...rest } = applied.metadata.annotations ?? {};
  const metadata = { ...applied.metadata, ...(applied.metadata.annotations !== undefined && { annotations: rest }) };
  annotations[ANNOTATION] = `${JSON.stringify(sorted({ ...applied, metadata }))}\n`;
  const size = Object.entries(annotations).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (size > ANNOTATIONS_SIZE_MAX) delete annotations[ANNOTATION];
}

function annotationsOf(object: Members): Record<string, string> | undefined {
  const metadata = own(object, 'metadata');
  return isMembers(metadata) ? (metadata['annotations'] as Record<string, string> | undefined) : undefined;
}

function parse(text: string | undefined): Members | undefined {
  try {
    const value = readJson(text ?? '');
    return isMembers(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMembers(value)) return value;
  return Object.fromEntries(Object.keys(value).toSorted().map((key) => [key, sorted(value[key])]));
}
