// Validation of ResourceQuotas: names, amounts and scopes (upstream: ValidateResourceQuota and its updates).
import { invalid, required, type FieldError } from '../../api/field-error.ts';
import { compareQuantities, quantityMilliValue } from '../../api/quantity.ts';
import type { ResourceQuota, ResourceQuotaSpec } from '../generated/api-types.ts';
import { isQuotaResource, isWholeResource, quotaResourceNameProblems } from '../resource-names.ts';

const PODS = ['pods', 'cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory'];
/** What each scope can count. */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  Terminating: PODS, NotTerminating: PODS, NotBestEffort: PODS, PriorityClass: PODS, CrossNamespacePodAffinity: PODS, BestEffort: ['pods'], VolumeAttributesClass: ['persistentvolumeclaims', 'requests.storage'],
};
const ONLY_EXISTS = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'];
const CONFLICTS = [['BestEffort', 'NotBestEffort'], ['Terminating', 'NotTerminating']];

export function validateQuota({ spec, status }: ResourceQuota): FieldError[] {
  return [
    ...amountProblems(spec?.hard, 'spec.hard'), ...scopeProblems(spec ?? {}), ...selectorProblems(spec ?? {}),
    ...amountProblems(status?.hard, 'status.hard'), ...amountProblems(status?.used, 'status.used'),
  ];
}

export function validateQuotaUpdate({ spec }: ResourceQuota, old: ResourceQuota): FieldError[] {
  const [next, was] = [new Set<string>(spec?.scopes), new Set<string>(old.spec?.scopes)];
  return next.size === was.size && [...next].every((scope) => was.has(scope)) ? [] : [invalid('spec.scopes', spec?.scopes ?? null, 'field is immutable')];
}

export function validateQuotaStatus({ status }: ResourceQuota): FieldError[] {
  return [...amountProblems(status?.hard, 'status.hard'), ...amountProblems(status?.used, 'status.used')];
}

function amountProblems(amounts: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  return Object.entries(amounts ?? {}).flatMap(([name, amount]) => {
    const at = `${path}[${name}]`;
    const errors = quotaResourceNameProblems(name, at);
    if (compareQuantities(amount, '0') < 0) errors.push(invalid(at, amount, 'must be greater than or equal to 0'));
    if (isWholeResource(name) && quantityMilliValue(amount) % 1000 !== 0) errors.push(invalid(at, amount, 'must be an integer'));
    return errors;
  });
}

function uncounted(scope: string, hard: Readonly<Record<string, string>>): string[] {
  const counted = SCOPES[scope];
  return counted === undefined ? [] : Object.keys(hard).filter((name) => isQuotaResource(name) && !counted.includes(name));
}

function scopeProblems({ hard = {}, scopes = [] }: ResourceQuotaSpec): FieldError[] {
  const errors = scopes.flatMap((scope) => [
    ...(SCOPES[scope] === undefined ? [invalid('spec.scopes', scopes, 'unsupported scope')] : []),
    ...uncounted(scope, hard).map(() => invalid('spec.scopes', scopes, 'unsupported scope applied to resource')),
  ]);
  return [...errors, ...conflictProblems(scopes, 'spec.scopes', scopes)];
}

function conflictProblems(scopes: readonly string[], path: string, shown: unknown): FieldError[] {
  return CONFLICTS.filter((pair) => pair.every((scope) => scopes.includes(scope))).map(() => invalid(path, shown, 'conflicting scopes'));
}

function selectorProblems({ hard = {}, scopes = [], scopeSelector }: ResourceQuotaSpec): FieldError[] {
  const path = 'spec.scopeSelector.matchExpressions';
  const requirements = scopeSelector?.matchExpressions ?? [];
  const errors = requirements.flatMap(({ scopeName = '', operator = '', values = [] }: { scopeName?: string; operator?: string; values?: readonly string[] }) => [
    ...(SCOPES[scopeName] === undefined ? [invalid(`${path}.scopeName`, scopeName, 'unsupported scope')] : []),
    ...uncounted(scopeName, hard).map(() => invalid(path, asGoPrints(requirements), 'unsupported scope applied to resource')),
    ...(ONLY_EXISTS.includes(scopeName) && operator !== 'Exists' ? [invalid(`${path}.operator`, operator, "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity")] : []),
    ...operatorProblems(operator, values, path),
  ]);
  return [...errors, ...conflictProblems(requirements.map(({ scopeName }) => scopeName), path, scopes.length === 0 ? null : scopes)];
}

function operatorProblems(operator: string, values: readonly string[], path: string): FieldError[] {
  if (operator === 'In' || operator === 'NotIn') return values.length > 0 ? [] : [required(`${path}.values`, 'must be at least one value when `operator` is \'In\' or \'NotIn\' for scope selector')];
  if (operator === 'Exists' || operator === 'DoesNotExist') return values.length === 0 ? [] : [invalid(`${path}.values`, values, 'must be no value when `operator` is \'Exist\' or \'DoesNotExist\' for scope selector')];
  return [invalid(`${path}.operator`, operator, 'not a valid selector operator')];
}

/** As upstream's internal type is written. */
function asGoPrints(requirements: readonly { scopeName: string; operator: string; values?: readonly string[] }[]): object {
  return { MatchExpressions: requirements.map(({ scopeName, operator, values }) => ({ ScopeName: scopeName, Operator: operator, Values: values ?? null })) };
}
