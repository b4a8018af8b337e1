// Webhook configurations held to upstream's validation (pkg/apis/admissionregistration/validation). What an old one already had wrong in
// ways that came to be forbidden later, an update may keep.
import { duplicate, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { sameJson } from '../../api/json-equality.ts';
import { subdomainProblems } from '../../api/names.ts';
import type { MutatingWebhook, ValidatingWebhook } from '../generated/api-types.ts';
import { validateLabelSelector } from '../label-selector.ts';
import { validateClientConfig } from './client-config-validation.ts';
import { validateMatchConditions } from './condition-validation.ts';
import { dns1035Problems } from './names.ts';
import { FAILURE_POLICIES, REINVOCATION_POLICIES, validateMatchPolicy, validateRule } from './rule-validation.ts';

type Webhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>;

const REVIEW_VERSIONS = ['v1', 'v1beta1'];
const SIDE_EFFECTS = ['None', 'NoneOnDryRun', 'Some', 'Unknown'];
const NO_SIDE_EFFECTS = ['None', 'NoneOnDryRun'];

/** What is not asked of an update because the old object was without it. */
interface Leniency {
  conditionsUnchanged: boolean;
  noSideEffects: boolean;
  knownReviewVersion: boolean;
  uniqueNames: boolean;
  goodSelectors: boolean;
}

const STRICT: Leniency = { conditionsUnchanged: false, noSideEffects: true, knownReviewVersion: true, uniqueNames: true, goodSelectors: true };

export function validateWebhooks(webhooks: readonly Webhook[], old?: readonly Webhook[]): FieldError[] {
  const leniency = old === undefined ? STRICT : leniencyFor(webhooks, old);
  const names = new Set<string>();
  return webhooks.flatMap((webhook, index) => {
    const path = `webhooks[${String(index)}]`;
    const taken = leniency.uniqueNames && webhook.name !== '' && names.has(webhook.name);
    names.add(webhook.name);
    return [...validateWebhook(webhook, path, leniency), ...validateReviewVersions(webhook.admissionReviewVersions, `${path}.admissionReviewVersions`, leniency), ...(taken ? [duplicate(`${path}.name`, webhook.name)] : [])];
  });
}

function leniencyFor(webhooks: readonly Webhook[], old: readonly Webhook[]): Leniency {
  return {
    conditionsUnchanged: old.length === webhooks.length && old.every(({ matchConditions = [] }, index) => sameJson(matchConditions, webhooks[index]?.matchConditions ?? [])),
    noSideEffects: old.every(({ sideEffects }) => NO_SIDE_EFFECTS.includes(sideEffects)),
    knownReviewVersion: old.every(({ admissionReviewVersions: versions }) => versions.length === 0 || versions.some((version) => REVIEW_VERSIONS.includes(version))),
    uniqueNames: new Set(old.map(({ name }) => name)).size === old.length,
    goodSelectors: old.every((webhook) => validateSelectors(webhook, '').length === 0),
  };
}

function validateWebhook(webhook: Webhook, path: string, leniency: Leniency): FieldError[] {
  const { name, rules = [], failurePolicy, matchPolicy, sideEffects, timeoutSeconds, reinvocationPolicy, clientConfig, matchConditions = [] } = webhook;
  const allowed = leniency.noSideEffects ? NO_SIDE_EFFECTS : SIDE_EFFECTS;
  return [
    ...validateQualifiedName(name, `${path}.name`),
    ...rules.flatMap((rule, index) => validateRule(rule, `${path}.rules[${String(index)}]`)),
    ...(failurePolicy === undefined || FAILURE_POLICIES.includes(failurePolicy) ? [] : [notSupported(`${path}.failurePolicy`, failurePolicy, FAILURE_POLICIES)]),
    ...validateMatchPolicy(matchPolicy, path),
    ...((sideEffects as string | undefined) === undefined ? [required(`${path}.sideEffects`, `must specify one of ${allowed.join(', ')}`)] : allowed.includes(sideEffects) ? [] : [notSupported(`${path}.sideEffects`, sideEffects, allowed)]),
    ...(timeoutSeconds === undefined || (timeoutSeconds >= 1 && timeoutSeconds <= 30) ? [] : [invalid(`${path}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds')]),
    ...(leniency.goodSelectors ? validateSelectors(webhook, path) : []),
    ...(reinvocationPolicy === undefined || REINVOCATION_POLICIES.includes(reinvocationPolicy) ? [] : [notSupported(`${path}.reinvocationPolicy`, reinvocationPolicy, REINVOCATION_POLICIES)]),
    ...validateClientConfig(clientConfig ?? {}, `${path}.clientConfig`),
    ...(leniency.conditionsUnchanged ? [] : validateMatchConditions(matchConditions, `${path}.matchConditions`, { params: false })),
  ];
}

function validateSelectors({ namespaceSelector, objectSelector }: Webhook, path: string): FieldError[] {
  return [...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`), ...validateLabelSelector(objectSelector, `${path}.objectSelector`)];
}

function validateQualifiedName(name: string | undefined, path: string): FieldError[] {
  if (name === undefined || name === '') return [required(path)];
  const problems = subdomainProblems(name);
  if (problems.length > 0) return [invalid(path, name, problems.join(','))];
  return name.split('.').length < 3 ? [invalid(path, name, 'should be a domain with at least three segments separated by dots')] : [];
}

function validateReviewVersions(versions: readonly string[] | undefined, path: string, { knownReviewVersion }: Leniency): FieldError[] {
  if (versions === undefined || versions.length === 0) return [required(path, `must specify one of ${REVIEW_VERSIONS.join(', ')}`)];
  const seen = new Set<string>();
  const errors = versions.flatMap((version, index) => {
    const at = `${path}[${String(index)}]`;
    if (seen.has(version)) return [invalid(at, version, 'duplicate version')];
    seen.add(version);
    return dns1035Problems(version).map((problem) => invalid(at, version, problem));
  });
  if (knownReviewVersion && !versions.some((version) => REVIEW_VERSIONS.includes(version))) errors.push(invalid(path, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`));
  return errors;
}
