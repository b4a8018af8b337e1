// The one list of subresources that are more than a way to write part of an object, and of resources that are asked and not stored.
import type { Kind } from '../../kinds/kind.ts';
import type { Schemas } from '../../api/schema.ts';
import type { Answer, Call, PipelineOptions } from '../call.ts';
import type { Expected } from '../field-validation.ts';
import { localSubjectAccessReview, selfSubjectAccessReview, selfSubjectRulesReview, subjectAccessReview } from './access-reviews.ts';
import { bindPod } from './binding.ts';
import { evict } from './eviction.ts';
import { selfSubjectReview, tokenReview } from './identity-reviews.ts';
import { part } from './part.ts';
import { scale } from './scale.ts';
import { requestToken } from './token.ts';

export type Handler = (options: PipelineOptions, call: Call) => Promise<Answer>;

/** `group/resource/subresource`. */
const HANDLERS: Readonly<Record<string, Handler>> = {
  '/bindings/': bindPod,
  '/pods/binding': bindPod,
  '/pods/eviction': evict,
  '/pods/ephemeralcontainers': part,
  '/pods/resize': part,
  '/namespaces/finalize': part,
  '/serviceaccounts/token': requestToken,
  'certificates.k8s.io/certificatesigningrequests/approval': part,
  'authentication.k8s.io/tokenreviews/': tokenReview,
  'authentication.k8s.io/selfsubjectreviews/': selfSubjectReview,
  'authorization.k8s.io/subjectaccessreviews/': subjectAccessReview,
  'authorization.k8s.io/localsubjectaccessreviews/': localSubjectAccessReview,
  'authorization.k8s.io/selfsubjectaccessreviews/': selfSubjectAccessReview,
  'authorization.k8s.io/selfsubjectrulesreviews/': selfSubjectRulesReview,
};
const GENERIC: Readonly<Record<string, Handler>> = { status: part, scale };

export function subresourceOf({ group, resource }: Kind, subresource: string): Handler | undefined {
  return HANDLERS[`${group}/${resource}/${subresource}`] ?? GENERIC[subresource];
}

/** What a body sent there must be: the kind itself, or what discovery says the subresource takes. */
export function bodyKind(kind: Kind, subresource: string, schemas: Schemas): Omit<Expected, 'validation' | 'warn'> {
  const taken = subresource === '' ? undefined : kind.subresources.find(({ name }) => name === subresource);
  if (taken === undefined) return kind;
  return { group: taken.group, version: taken.version, kind: taken.kind, schema: schemas.byKind(taken.group, taken.version, taken.kind)?.id ?? '', ...(taken.kind === 'Eviction' && { alsoIn: ['policy/v1beta1'] }) };
}
