// AdmissionReview, v1 and v1beta1: what a webhook is asked, and what of its answer counts.
import type { GroupVersionKind, GroupVersionResource, KubeObject } from '../../api/meta.ts';
import type { Kind } from '../../kinds/kind.ts';
import type { AdmissionRequest } from '../admission.ts';
import { objectKindOf } from '../matching.ts';
import { operationOptions } from './operation-options.ts';

const GROUP = 'admission.k8s.io';
/** Those we speak. */
const VERSIONS: ReadonlySet<string> = new Set(['v1', 'v1beta1']);

/** Status of a refusal, as the webhook words it. */
export interface Refusal {
  status?: string;
  message?: string;
  reason?: string;
  code?: number;
  details?: object;
  metadata?: object;
}

export interface Verdict {
  allowed: boolean;
  auditAnnotations: Readonly<Record<string, string>>;
  /** Base64 of a JSON patch. */
  patch?: string;
  patchType?: string;
  result?: Refusal;
  warnings: readonly string[];
}

/** The first of the webhook's versions that we speak. */
export function reviewVersion(accepted: readonly string[]): string {
  const version = accepted.find((one) => VERSIONS.has(one));
  if (version === undefined) throw new Error('could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)');
  return version;
}

export interface Question {
  uid: string;
  version: string;
  /** The kind by which the webhook wants it, and the objects in its form. */
  as: Kind;
  object: KubeObject | undefined;
  old: KubeObject | undefined;
}

export function reviewOf(request: AdmissionRequest, { uid, version, as, object, old }: Question): object {
  const { options, dryRun, ...fields } = requestFields(request, as);
  return { kind: 'AdmissionReview', apiVersion: `${GROUP}/${version}`, request: { uid, ...fields, object: object ?? null, oldObject: old ?? null, dryRun, options } };
}

/** The request but for its uid and objects: what webhooks and expressions see. */
export function requestFields({ kind, subresource, name, namespace, operation, user, dryRun, options }: AdmissionRequest, as: Kind): { dryRun: boolean; options: object | null } {
  const { username, groups, extra } = user;
  const userInfo = {
    ...(username !== '' && { username }), ...(user.uid !== undefined && user.uid !== '' && { uid: user.uid }), ...(groups.length > 0 && { groups }),
    ...(extra !== undefined && Object.keys(extra).length > 0 && { extra }),
  };
  const fields = {
    kind: kindOnly(objectKindOf(as, subresource)), resource: resourceOnly(as), ...(subresource !== '' && { subResource: subresource }),
    requestKind: kindOnly(objectKindOf(kind, subresource)), requestResource: resourceOnly(kind), ...(subresource !== '' && { requestSubResource: subresource }),
    ...(name !== '' && { name }), ...(namespace !== '' && { namespace }), operation, userInfo,
  };
  return { ...fields, dryRun, options: operationOptions({ operation, options, dryRun }) };
}

function kindOnly({ group, version, kind }: GroupVersionKind): GroupVersionKind {
  return { group, version, kind };
}

function resourceOnly({ group, version, resource }: Kind): GroupVersionResource {
  return { group, version, resource };
}

/** The answer is of a version that nobody speaks: it could not even be read. */
export class UnknownReview extends Error {}

interface Review {
  apiVersion?: string;
  kind?: string;
  response?: { uid?: string; allowed?: boolean; status?: Refusal; patch?: string; patchType?: string; auditAnnotations?: Record<string, string>; warnings?: string[] };
}

/** Throws an Error that says what is wrong with the answer. */
export function verdictOf(answer: unknown, { uid, version, mutating }: { uid: string; version: string; mutating: boolean }): Verdict {
  const { apiVersion = '', kind = '', response } = (typeof answer === 'object' && answer !== null ? answer : {}) as Review;
  if (![...VERSIONS].some((one) => apiVersion === `${GROUP}/${one}`) && apiVersion !== '' && kind === 'AdmissionReview') throw new UnknownReview(`no kind "AdmissionReview" is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`);
  if (response === undefined || response === null) throw new Error('webhook response was absent');
  if (version === 'v1') checkV1({ apiVersion, kind, response }, { uid, mutating });
  const { allowed = false, status, patch = '', auditAnnotations, warnings } = response;
  const patchType = version === 'v1' ? response.patchType : 'JSONPatch';
  return {
    allowed, auditAnnotations: auditAnnotations ?? {}, warnings: warnings ?? [],
    ...(mutating && patch !== '' && { patch, ...(patchType !== undefined && { patchType }) }),
    ...(status !== undefined && status !== null && { result: status }),
  };
}

function checkV1({ apiVersion, kind, response }: Required<Review>, { uid, mutating }: { uid: string; mutating: boolean }): void {
  const { patch = '', patchType } = response;
  const given = response.uid ?? '';
  if (given !== uid) throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(given)}`);
  if (apiVersion !== `${GROUP}/v1` || kind !== 'AdmissionReview') {
    const shown = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
    throw new Error(`expected webhook response of ${GROUP}/v1, Kind=AdmissionReview, got ${shown}, Kind=${kind}`);
  }
  if (!mutating) {
    if (patch !== '') throw new Error('validating webhook may not return response.patch');
    if (patchType !== undefined) throw new Error('validating webhook may not return response.patchType');
    return;
  }
  if (patch !== '' && patchType === undefined) throw new Error('webhook returned response.patch but not response.patchType');
  if (patch === '' && patchType !== undefined) throw new Error('webhook returned response.patchType but not response.patch');
  if (patchType === '') throw new Error('webhook returned invalid response.patchType of ""');
}
