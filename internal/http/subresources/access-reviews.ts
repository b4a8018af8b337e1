// Subject access reviews: questions to the authorizer, answered and not stored (upstream: registry/authorization).
import type { UserInfo } from '../../api/user.ts';
import { StatusError } from '../../base/errors.ts';
import { forbidden, invalid, invalidObject, required, type FieldError } from '../../api/field-error.ts';
import type { KubeObject } from '../../api/meta.ts';
import { labelKeyProblems, labelValueProblems } from '../../api/names.ts';
import { parseFieldSelector, parseLabelSelector } from '../../api/selectors.ts';
import type { Attributes } from '../../authz/attributes.ts';
import type { Answer, Call, PipelineOptions } from '../call.ts';

interface Selector {
  rawSelector?: string;
  requirements?: Requirement[];
}
interface Requirement {
  key?: string;
  operator: string;
  values?: string[];
}
interface ResourceAttributes {
  namespace?: string;
  verb?: string;
  group?: string;
  version?: string;
  resource?: string;
  subresource?: string;
  name?: string;
  fieldSelector?: Selector;
  labelSelector?: Selector;
}
interface Spec {
  user?: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
  namespace?: string;
  resourceAttributes?: ResourceAttributes;
  nonResourceAttributes?: { path?: string; verb?: string };
}
/** Upstream's reviews name no kind in their errors. */
const REVIEW = { group: 'authorization.k8s.io', kind: '' };

type Review = KubeObject & { spec?: Spec };

export function selfSubjectAccessReview(options: PipelineOptions, call: Call): Promise<Answer> {
  const { spec = {}, metadata = {} } = call.body as Partial<Review>;
  refuse([...validateAttributes(spec), ...validateMetadata(metadata, 'must be empty')]);
  return review(options, call, call.request.user);
}

export function subjectAccessReview(options: PipelineOptions, call: Call): Promise<Answer> {
  const { spec = {}, metadata = {} } = call.body as Partial<Review>;
  refuse([...validateAttributes(spec), ...validateSubject(spec), ...validateMetadata(metadata, 'must be empty')]);
  return review(options, call, subjectOf(spec));
}

export function localSubjectAccessReview(options: PipelineOptions, call: Call): Promise<Answer> {
  const { spec = {}, metadata = {} } = call.body as Partial<Review>;
  const { namespace } = call.request.info;
  const { namespace: own = namespace, ...rest } = metadata as { namespace?: string };
  if (own !== namespace) throw new StatusError('BadRequest', 'the namespace of the provided object does not match the namespace sent on the request');
  const { resourceAttributes: asked, nonResourceAttributes: path } = spec;
  refuse([
    ...validateAttributes(spec), ...validateSubject(spec), ...validateMetadata(rest, 'must be empty except for namespace'),
    ...(asked !== undefined && (asked.namespace ?? '') !== namespace ? [invalid('spec.resourceAttributes.namespace', asked.namespace ?? '', 'must match metadata.namespace')] : []),
    ...(path === undefined ? [] : [invalid('spec.nonResourceAttributes', shownPath(path), 'disallowed on this kind of request')]),
  ]);
  return review(options, call, subjectOf(spec), { namespace });
}

export function selfSubjectRulesReview({ authorizer }: PipelineOptions, { request: { user }, kind, body }: Call): Promise<Answer> {
  const { spec = {} } = body as Review;
  if (!spec.namespace) throw new StatusError('BadRequest', 'no namespace on request');
  const { rules, problem } = authorizer.rulesFor(user, spec.namespace);
  const resourceRules = rules.filter((rule) => (rule.resources ?? []).length > 0).map(({ nonResourceURLs: _urls, ...rule }) => rule);
  const nonResourceRules = rules.filter((rule) => (rule.nonResourceURLs ?? []).length > 0).map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs }));
  return answer(kind, { metadata: {}, spec: {}, status: { resourceRules, nonResourceRules, incomplete: problem !== undefined, ...(problem !== undefined && { evaluationError: problem }) } });
}

function review({ authorizer }: PipelineOptions, { kind, body }: Call, user: UserInfo, metadata: object = {}): Promise<Answer> {
  const { spec = {} } = body as Review;
  const { allowed, reason } = authorizer.authorize(attributesOf(spec, user));
  return answer(kind, { metadata, spec, status: { allowed, ...(reason !== '' && { reason }), ...evaluationError(spec.resourceAttributes) } });
}

function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidObject(REVIEW, '', errors);
}

function validateAttributes({ resourceAttributes: asked, nonResourceAttributes: path }: Spec): FieldError[] {
  const errors: FieldError[] = [];
  if (asked !== undefined && path !== undefined) errors.push(invalid('spec.nonResourceAttributes', shownPath(path), 'cannot be specified in combination with resourceAttributes'));
  if (asked === undefined && path === undefined) errors.push(invalid('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'));
  for (const field of ['fieldSelector', 'labelSelector'] as const) {
    const [selector, at] = [asked?.[field], `spec.resourceAttributes.${field}`];
    if (selector === undefined) continue;
    const [raw, requirements] = [selector.rawSelector ?? '', selector.requirements ?? []];
    if (raw !== '' && requirements.length > 0) errors.push(invalid(`${at}.rawSelector`, raw, 'may not specified at the same time as requirements'));
    if (raw === '' && requirements.length === 0) errors.push(required(`${at}.requirements`, `when ${at} is specified, requirements or rawSelector is required`));
    errors.push(...requirements.flatMap((requirement, index) => validateRequirement(requirement, { path: `${at}.requirements[${String(index)}]`, isLabel: field === 'labelSelector' })));
  }
  return errors;
}

/** Operators that are not known may be a newer client's. */
function validateRequirement({ key = '', operator, values = [] }: Requirement, { path, isLabel }: { path: string; isLabel: boolean }): FieldError[] {
  const errors: FieldError[] = [];
  if (!isLabel && key === '') errors.push(required(`${path}.key`, 'must be specified'));
  if (['In', 'NotIn'].includes(operator) && values.length === 0) errors.push(required(`${path}.values`, 'must be specified when `operator` is \'In\' or \'NotIn\''));
  if (['Exists', 'DoesNotExist'].includes(operator) && values.length > 0) errors.push(forbidden(`${path}.values`, 'may not be specified when `operator` is \'Exists\' or \'DoesNotExist\''));
  if (!isLabel) return errors;
  errors.push(...labelKeyProblems(key).map((problem) => invalid(`${path}.key`, key, problem)));
  return [...errors, ...values.flatMap((value, index) => labelValueProblems(value).map((problem) => invalid(`${path}.values[${String(index)}]`, value, problem)))];
}

function validateSubject({ user = '', groups = [] }: Spec): FieldError[] {
  return user === '' && groups.length === 0 ? [invalid('spec.user', '', 'at least one of user or group must be specified')] : [];
}

function validateMetadata(metadata: object, why: string): FieldError[] {
  const { managedFields: _fields, creationTimestamp: _time, ...rest } = metadata as Record<string, unknown>;
  return Object.values(rest).some((value) => value !== undefined && value !== '') ? [invalid('metadata', metadata, why)] : [];
}

/** As Go names the fields. */
function shownPath({ path = '', verb = '' }: { path?: string; verb?: string }): object {
  return { Path: path, Verb: verb };
}

function attributesOf({ resourceAttributes: asked, nonResourceAttributes: path }: Spec, user: UserInfo): Attributes {
  const { verb = path?.verb ?? '', group = '', version = '', resource = '', subresource = '', namespace = '', name = '', fieldSelector } = asked ?? {};
  return { user, isResource: asked !== undefined, path: path?.path ?? '', verb, group, version, resource, subresource, namespace, name, fieldSelector: selectorText(fieldSelector) };
}

/** What of the selectors could not be read, or not be told to an authorizer, is left out and said. */
function evaluationError({ fieldSelector, labelSelector }: ResourceAttributes = {}): { evaluationError?: string } {
  const said = [ignoredOf(fieldSelector, 'fieldSelector'), ignoredOf(labelSelector, 'labelSelector')].filter((text) => text !== undefined);
  return said.length === 0 ? {} : { evaluationError: said.join('; ') };
}

function ignoredOf(selector: Selector | undefined, field: 'fieldSelector' | 'labelSelector'): string | undefined {
  const at = `spec.resourceAttributes.${field}`;
  const { rawSelector = '', requirements = [] } = selector ?? {};
  if (rawSelector !== '') return isReadable(rawSelector, field) ? undefined : `${at} ignored due to parse error`;
  const told = requirements.filter(({ operator, values = [] }) => (field === 'labelSelector' ? LABEL_OPERATORS.includes(operator) : ['In', 'NotIn'].includes(operator) && values.length === 1));
  if (told.length === requirements.length) return undefined;
  return `${at} ${told.length > 0 ? 'partially ' : ''}ignored due to parse error`;
}

const LABEL_OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

function isReadable(text: string, field: 'fieldSelector' | 'labelSelector'): boolean {
  try {
    if (field === 'fieldSelector') parseFieldSelector(text);
    else parseLabelSelector(text);
    return true;
  } catch {
    return false; // which is what was asked
  }
}

/** What is more than a list of equalities narrows nothing, as upstream has it: who may do more may do this. */
function selectorText({ rawSelector, requirements = [] }: Selector = {}): string {
  if (rawSelector) return rawSelector;
  return requirements.filter(({ operator, values = [] }) => operator === 'In' && values.length === 1).map(({ key, values }) => `${key}=${values?.[0] ?? ''}`).join(',');
}

function subjectOf({ user = '', uid, groups = [], extra }: Spec): UserInfo {
  return { username: user, groups, ...(uid !== undefined && { uid }), ...(extra !== undefined && { extra }) };
}

function answer({ group, version, kind }: Call['kind'], review: { metadata: object; spec: object; status: object }): Promise<Answer> {
  return Promise.resolve({ code: 201, body: { kind, apiVersion: `${group}/${version}`, ...review } });
}
