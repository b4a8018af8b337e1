// Which requests a webhook or policy is asked about: rules (what is done to which resource, in which version), and selectors on the
// namespace and the object. With matchPolicy Equivalent a rule also matches by another version of the same objects.
import { notFound } from '../base/errors.ts';
import type { GroupVersionKind, KubeObject } from '../api/meta.ts';
import type { LabelSelector, RuleWithOperations } from '../kinds/generated/api-types.ts';
import type { Kinds } from '../kinds/index.ts';
import type { Kind } from '../kinds/kind.ts';
import { isEmptySelector, selectorMatches } from '../kinds/label-selector.ts';
import type { Store } from '../store/store.ts';
import type { AdmissionRequest } from './admission.ts';

const NAMESPACES = { group: '', resource: 'namespaces' };
const POLICIES = ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding', 'MutatingAdmissionPolicy', 'MutatingAdmissionPolicyBinding'];
const CONFIGURATION: ReadonlySet<string> = new Set([...POLICIES, 'ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration']);
/** Questions of who may do what, which the cluster lives by. */
const REVIEWS: ReadonlySet<string> = new Set(['authentication.k8s.io', 'authorization.k8s.io']);

export interface Rules<R extends RuleWithOperations = RuleWithOperations> {
  rules: readonly R[];
  equivalent: boolean;
}

/** What configures admission is admitted without webhooks, so that a bad configuration can be mended. */
export function isExempt({ kind }: AdmissionRequest): boolean {
  return kind.group === 'admissionregistration.k8s.io' && CONFIGURATION.has(kind.kind);
}

/** Policies leave themselves alone, and reviews of access. */
export function isExemptFromPolicies({ kind: { group, kind } }: AdmissionRequest): boolean {
  return REVIEWS.has(group) || (group === 'admissionregistration.k8s.io' && POLICIES.includes(kind));
}

/** What the request's object is: the kind itself, or what its subresource takes. */
export function objectKindOf({ group, version, kind, subresources }: Kind, subresource: string): GroupVersionKind {
  return (subresource === '' ? undefined : subresources.find(({ name }) => name === subresource)) ?? { group, version, kind };
}

/** The kind by which a rule matches: the request's own, or an equivalent one. undefined: no rule does. */
export function matchedKind({ rules, equivalent }: Rules, request: AdmissionRequest, kinds: Kinds): Kind | undefined {
  if (rules.some((rule) => ruleMatches(rule, request, request.kind))) return request.kind;
  if (!equivalent) return undefined;
  const others = equivalentsOf(request, kinds);
  for (const rule of rules) {
    const found = others.find((other) => ruleMatches(rule, request, other));
    if (found !== undefined) return found;
  }
  return undefined;
}

function ruleMatches(rule: RuleWithOperations & { resourceNames?: string[] }, request: AdmissionRequest, { group, version, resource }: Kind): boolean {
  const { operation, subresource } = request;
  return inScope(rule.scope, request)
    && includes(rule.operations, operation) && includes(rule.apiGroups, group) && includes(rule.apiVersions, version)
    && (rule.resources ?? []).some((pattern) => resourceMatches(pattern, resource, subresource))
    && ((rule.resourceNames?.length ?? 0) === 0 || rule.resourceNames?.includes(request.name) === true);
}

function inScope(scope: string | undefined, { kind, namespace }: AdmissionRequest): boolean {
  if (scope === undefined || scope === '*') return true;
  const isCluster = (kind.group === '' && kind.resource === 'namespaces') || namespace === '';
  return scope === 'Cluster' ? isCluster : scope === 'Namespaced' && !isCluster;
}

function includes(wanted: readonly string[] | undefined, value: string): boolean {
  return wanted?.some((one) => one === '*' || one === value) === true;
}

function resourceMatches(pattern: string, resource: string, subresource: string): boolean {
  const slash = pattern.indexOf('/');
  const [main, sub] = slash < 0 ? [pattern, ''] : [pattern.slice(0, slash), pattern.slice(slash + 1)];
  return (main === '*' || main === resource) && (sub === '*' || sub === subresource);
}

/** Other kinds under which the same objects are served, with the same subresource. */
function equivalentsOf({ kind, subresource }: AdmissionRequest, kinds: Kinds): Kind[] {
  const place = placeName(kind);
  return kinds.all().filter((other) => other !== kind && placeName(other) === place && (subresource === '' || other.subresources.some(({ name }) => name === subresource)));
}

function placeName({ group, resource, rules: { storage } }: Kind): string {
  return storage === undefined ? `${group}/${resource}` : `${storage.group}/${storage.resource}`;
}

/** false: not selected. An error to throw if the rules match as well: the namespace is not there. */
export function namespaceSelected(selector: LabelSelector | undefined, request: AdmissionRequest, store: Store): boolean | Error {
  const { kind, namespace, operation, subresource, object } = request;
  const ofNamespace = kind.resource === 'namespaces';
  if (namespace === '' && !ofNamespace) return true;
  if (selector === undefined) return false;
  if (isEmptySelector(selector)) return true;
  if (ofNamespace && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE')) return selectorMatches(selector, object?.metadata.labels);
  const found = store.newest(NAMESPACES, { namespace: '', name: namespace });
  return found === undefined ? notFound(NAMESPACES, namespace) : selectorMatches(selector, found.metadata.labels);
}

/** By what the object is or was. */
export function objectSelected(selector: LabelSelector | undefined, { object, old }: { object: KubeObject | undefined; old: KubeObject | undefined }): boolean {
  if (selector === undefined) return false;
  if (isEmptySelector(selector)) return true;
  return [object, old].some((one) => one?.metadata !== undefined && selectorMatches(selector, one.metadata.labels));
}
