// Conversion by webhook: the objects go out in a ConversionReview, what comes back is held to what conversion may change (everything but the
// metadata, and of that labels and annotations). Upstream: apiextensions-apiserver, pkg/apiserver/conversion/webhook_converter.go.
import { messageOf, StatusError } from '../../base/errors.ts';
import type { Callout, CalloutTarget } from '../../api/callout.ts';
import { parseApiVersion, type KubeObject, type ObjectMeta } from '../../api/meta.ts';
import { labelKeyProblems, labelValueProblems } from '../../api/names.ts';
import type { CustomResourceDefinition } from '../generated/api-types.ts';
import type { Converter } from './conversion.ts';
import { isMembers } from './custom-schema.ts';

const TIMEOUT_MS = 30_000;
const REVIEW = 'apiextensions.k8s.io';

export interface WebhookOptions {
  callout: Callout;
  uuid(): string;
}

/** undefined: the versions of this definition differ in name only. */
export function webhookConverter({ spec }: CustomResourceDefinition, { callout, uuid }: WebhookOptions): Converter | undefined {
  const webhook = spec.conversion?.strategy === 'Webhook' ? spec.conversion.webhook : undefined;
  if (webhook === undefined) return undefined;
  const target = (webhook.clientConfig ?? {}) as CalloutTarget;
  const version = webhook.conversionReviewVersions.find((each) => each === 'v1' || each === 'v1beta1');
  return async (objects, apiVersion) => {
    const first = objects[0];
    if (first === undefined) return [];
    if (version === undefined) throw failed('no supported conversion review versions');
    const uid = uuid();
    const review = { kind: 'ConversionReview', apiVersion: `${REVIEW}/${version}`, request: { uid, desiredAPIVersion: apiVersion, objects } };
    const converted = await ask(() => callout.post(target, review, { timeoutMs: TIMEOUT_MS }), { first, version, uid });
    if (converted.length !== objects.length) throw failed(`conversion webhook for ${describe(first)} returned ${String(converted.length)} objects, expected ${String(objects.length)}`);
    return objects.map((object, index) => checked(object, converted[index], { apiVersion, index }));
  };
}

interface Review {
  apiVersion?: string;
  kind?: string;
  response?: { uid?: string; convertedObjects?: unknown[]; result?: { status?: string; message?: string } };
}

async function ask(post: () => Promise<unknown>, { first, version, uid }: { first: KubeObject; version: string; uid: string }): Promise<unknown[]> {
  try {
    return convertedOf((await post()) as Review, { version, uid });
  } catch (error) {
    throw failed(`conversion webhook for ${describe(first)} failed: ${messageOf(error)}`, error);
  }
}

/** The converted objects of a good answer. v1beta1 never checked that the answer was meant for the question. */
function convertedOf({ apiVersion, kind, response }: Review, { version, uid }: { version: string; uid: string }): unknown[] {
  if (version === 'v1' && (apiVersion !== `${REVIEW}/v1` || kind !== 'ConversionReview')) {
    const given = parseApiVersion(apiVersion ?? '');
    if (given.group === REVIEW && kind !== 'ConversionReview') throw new Error(`no kind ${JSON.stringify(kind ?? '')} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`);
    throw new Error(`expected webhook response of ${REVIEW}/v1, Kind=ConversionReview, got ${given.group}/${given.version}, Kind=${kind ?? ''}`);
  }
  if (response === undefined || response === null) throw new Error('no response provided');
  if (version === 'v1' && response.uid !== uid) throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`);
  const { status = '', message = '' } = response.result ?? {};
  if (status !== 'Success') throw new Error(message === '' ? `response.result.status was '${status}', not 'Success'` : message);
  return response.convertedObjects ?? [];
}

function checked(original: KubeObject, given: unknown, { apiVersion, index }: { apiVersion: string; index: number }): KubeObject {
  const refuse = (what: string): never => {
    throw failed(`conversion webhook for ${describe(original)} returned invalid ${what}`);
  };
  const converted = given as KubeObject;
  if (!isMembers(given) || typeof converted.kind !== 'string') return refuse(`converted object at index ${String(index)}: Object 'Kind' is missing`);
  if (converted.apiVersion !== apiVersion) return refuse(`object at index ${String(index)}: invalid groupVersion (expected ${apiVersion}, received ${converted.apiVersion})`);
  if (converted.kind !== original.kind) return refuse(`object at index ${String(index)}: invalid kind (expected ${original.kind}, received ${converted.kind})`);
  if (!isMembers(converted.metadata)) return refuse('metadata: missing metadata in converted object');
  for (const [field, words] of SAME) {
    const [before, after] = [original.metadata[field] ?? '', converted.metadata[field] ?? ''];
    if (before !== after) return refuse(`object: must have the same ${words}: ${before} != ${after}`);
  }
  const problem = metadataProblem(converted.metadata, original.metadata);
  if (problem !== undefined) return refuse(`metadata: ${problem}`);
  return { ...converted, metadata: withLabels(original.metadata, converted.metadata) };
}

const SAME: readonly [field: 'name' | 'namespace' | 'uid', words: string][] = [['name', 'name'], ['namespace', 'namespace'], ['uid', 'UID']];

function metadataProblem(converted: ObjectMeta, original: ObjectMeta): string | undefined {
  for (const field of ['labels', 'annotations'] as const) {
    for (const [key, value] of Object.entries(converted[field] ?? {})) {
      if (typeof value !== 'string') return `metadata.${field}[${key}] must be a string, but is ${typeof value === 'number' ? 'float64' : typeof value} in converted object`;
      if (original[field]?.[key] === value) continue;
      const problem = labelKeyProblems(field === 'labels' ? key : key.toLowerCase())[0] ?? (field === 'labels' ? labelValueProblems(value)[0] : undefined);
      if (problem !== undefined) return `metadata.${field === 'labels' ? 'labels' : 'annotation'}: Invalid value: ${JSON.stringify(key)}: ${problem}`;
    }
  }
  return undefined;
}

/** The metadata as it was, but for labels and annotations. */
function withLabels(original: ObjectMeta, { labels, annotations }: ObjectMeta): ObjectMeta {
  const { labels: _labels, annotations: _annotations, ...rest } = original;
  return { ...rest, ...(labels && { labels }), ...(annotations && { annotations }) };
}

/** `stable.example.com/v1, Kind=CronTab` */
function describe({ apiVersion, kind }: KubeObject): string {
  return `${apiVersion}, Kind=${kind}`;
}

function failed(message: string, cause?: unknown): StatusError {
  return new StatusError('InternalError', message, cause === undefined ? {} : { cause });
}
