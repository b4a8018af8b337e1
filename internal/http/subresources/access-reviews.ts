// Subject access reviews: questions to the authorizer, answered and not stored.
import type { UserInfo } from '../../api/user.ts';
import { invalid, invalidObject } from '../../api/field-error.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { Attributes } from '../../authz/authorizer.ts';
import type { Answer, Call, PipelineOptions } from '../pipeline.ts';

interface Spec {
  user?: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
  namespace?: string;
  resourceAttributes?: { namespace?: string; verb?: string; group?: string; version?: string; resource?: string; subresource?: string; name?: string };
  nonResourceAttributes?: { path?: string; verb?: string };
}
/** Upstream's reviews name no kind in their errors. */
const REVIEW = { group: 'authorization.k8s.io', kind: '' };

type Review = KubeObject & { spec?: Spec };

export function selfSubjectAccessReview(options: PipelineOptions, call: Call): Promise<Answer> {
  return review(options, call, call.request.user);
}

export function subjectAccessReview(options: PipelineOptions, call: Call): Promise<Answer> {
  return review(options, call, subjectOf(call));
}

export function localSubjectAccessReview(options: PipelineOptions, call: Call): Promise<Answer> {
  const { spec } = call.body as Review;
  const { namespace } = call.request.info;
  const wrong = spec?.resourceAttributes?.namespace ?? '';
  if (wrong !== namespace) throw invalidObject(REVIEW, '', [invalid('spec.resourceAttributes.namespace', wrong, 'must match metadata.namespace')]);
  return review(options, call, subjectOf(call));
}

export function selfSubjectRulesReview({ authorizer }: PipelineOptions, { request: { user }, kind, body }: Call): Promise<Answer> {
  const { spec = {} } = body as Review;
  const rules = authorizer.rulesFor(user, spec.namespace ?? '');
  const resourceRules = rules.filter((rule) => rule.resources !== undefined).map(({ nonResourceURLs: _urls, ...rule }) => rule);
  const nonResourceRules = rules.filter((rule) => rule.nonResourceURLs !== undefined).map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs }));
  return answer(kind, spec, { resourceRules, nonResourceRules, incomplete: false });
}

function review({ authorizer }: PipelineOptions, { kind, body }: Call, user: UserInfo): Promise<Answer> {
  const { spec = {} } = body as Review;
  const { resourceAttributes, nonResourceAttributes: path } = spec;
  if (resourceAttributes !== undefined && path !== undefined) throw invalidObject(REVIEW, '', [invalid('spec.nonResourceAttributes', { Path: path.path ?? '', Verb: path.verb ?? '' }, 'cannot be specified in combination with resourceAttributes')]);
  if (resourceAttributes === undefined && path === undefined) throw invalidObject(REVIEW, '', [invalid('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified')]);
  const { allowed, reason } = authorizer.authorize(attributesOf(spec, user));
  return answer(kind, spec, { allowed, ...(reason !== '' && { reason }) });
}

function attributesOf({ resourceAttributes: asked, nonResourceAttributes: path }: Spec, user: UserInfo): Attributes {
  const { verb = path?.verb ?? '', group = '', version = '', resource = '', subresource = '', namespace = '', name = '' } = asked ?? {};
  return { user, isResource: asked !== undefined, path: path?.path ?? '', verb, group, version, resource, subresource, namespace, name, fieldSelector: '' };
}

function subjectOf({ body }: Call): UserInfo {
  const { user = '', uid, groups = [], extra } = (body as Review).spec ?? {};
  if (user === '' && groups.length === 0) throw invalidObject(REVIEW, '', [invalid('spec.user', '', 'at least one of user or group must be specified')]);
  return { username: user, groups, ...(uid !== undefined && { uid }), ...(extra !== undefined && { extra }) };
}

function answer({ group, version, kind }: Call['kind'], spec: object, status: object): Promise<Answer> {
  return Promise.resolve({ code: 201, body: { kind, apiVersion: `${group}/${version}`, metadata: {}, spec, status } });
}
