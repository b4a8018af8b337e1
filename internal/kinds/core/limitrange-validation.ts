// Validation of LimitRanges: names, and bounds that go together (upstream: ValidateLimitRange).
import { duplicate, forbidden, invalid, required, type FieldError } from '../../api/field-error.ts';
import { labelKeyProblems } from '../../api/names.ts';
import { compareQuantities, quantityMilliValue, quantityValue } from '../../api/quantity.ts';
import type { LimitRange, LimitRangeItem } from '../generated/api-types.ts';
import { containerResourceNameProblems, isOvercommitAllowed, resourceNameProblems } from '../resource-names.ts';

type Bound = 'max' | 'min' | 'default' | 'defaultRequest' | 'maxLimitRequestRatio';
const TYPES = ['Pod', 'Container', 'PersistentVolumeClaim'];
const MILLI_MAX = (2n ** 63n - 1n) / 1000n;

export function validateLimitRange({ spec }: LimitRange): FieldError[] {
  const types = new Set<string>();
  return (spec?.limits ?? []).flatMap((item, index) => {
    const at = `spec.limits[${String(index)}]`;
    const type = item.type ?? '';
    const errors = typeProblems(type, `${at}.type`);
    if (types.has(type)) errors.push(duplicate(`${at}.type`, type));
    types.add(type);
    return [...errors, ...validateNames(item, at), ...boundsOf(item).flatMap((name) => validateBounds(item, name, at))];
  });
}

function typeProblems(type: string, path: string): FieldError[] {
  const problems = labelKeyProblems(type).map((problem) => invalid(path, type, problem));
  return problems.length > 0 || type.includes('/') || TYPES.includes(type) ? problems : [invalid(path, type, 'must be a standard limit type or fully qualified')];
}

/** The bounds that count: a Pod has no defaults. */
function kindsOf({ type }: LimitRangeItem): Bound[] {
  return type === 'Pod' ? ['max', 'min', 'maxLimitRequestRatio'] : ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'];
}

function boundsOf(item: LimitRangeItem): string[] {
  return [...new Set(kindsOf(item).flatMap((bound) => Object.keys(item[bound] ?? {})))];
}

function validateNames(item: LimitRangeItem, path: string): FieldError[] {
  const problemsOf = item.type === 'Pod' || item.type === 'Container' ? containerResourceNameProblems : resourceNameProblems;
  const names = (bound: Bound): FieldError[] => Object.keys(item[bound] ?? {}).flatMap((name) => problemsOf(name, `${path}.${bound}[${name}]`));
  const errors = [...names('max'), ...names('min')];
  for (const bound of ['default', 'defaultRequest'] as const) {
    if (item.type !== 'Pod') errors.push(...names(bound));
    else if (Object.keys(item[bound] ?? {}).length > 0) errors.push(forbidden(`${path}.${bound}`, 'may not be specified when `type` is \'Pod\''));
  }
  if (item.type === 'PersistentVolumeClaim' && item.min?.['storage'] === undefined && item.max?.['storage'] === undefined) errors.push(required(`${path}.limits`, 'either minimum or maximum storage value is required, but neither was provided'));
  return [...errors, ...names('maxLimitRequestRatio')];
}

function validateBounds(item: LimitRangeItem, name: string, path: string): FieldError[] {
  const of = (bound: Bound): string | undefined => (kindsOf(item).includes(bound) ? item[bound]?.[name] : undefined);
  const [min, max, limit, request, ratio] = [of('min'), of('max'), of('default'), of('defaultRequest'), of('maxLimitRequestRatio')];
  const errors: FieldError[] = [];
  const ordered = (low: string | undefined, high: string | undefined, { field, shown, words: [lower, upper] }: { field: Bound; shown: string | undefined; words: [string, string] }): void => {
    if (low !== undefined && high !== undefined && compareQuantities(low, high) > 0) errors.push(invalid(`${path}.${field}[${name}]`, shown, `${lower} value ${low} is greater than ${upper} value ${high}`));
  };
  ordered(min, max, { field: 'min', shown: min, words: ['min', 'max'] });
  ordered(min, request, { field: 'defaultRequest', shown: request, words: ['min', 'default request'] });
  ordered(request, max, { field: 'defaultRequest', shown: request, words: ['default request', 'max'] });
  ordered(request, limit, { field: 'defaultRequest', shown: request, words: ['default request', 'default limit'] });
  ordered(min, limit, { field: 'default', shown: min, words: ['min', 'default'] });
  ordered(limit, max, { field: 'default', shown: max, words: ['default', 'max'] });
  if (ratio !== undefined) errors.push(...ratioProblems(ratio, { min, max, path: `${path}.maxLimitRequestRatio[${name}]` }));
  if (!isOvercommitAllowed(name) && limit !== undefined && request !== undefined && compareQuantities(limit, request) !== 0) errors.push(invalid(`${path}.defaultRequest[${name}]`, request, `default value ${limit} must equal to defaultRequest value ${request} in ${name}`));
  return errors;
}

function ratioProblems(ratio: string, { min, max, path }: { min: string | undefined; max: string | undefined; path: string }): FieldError[] {
  const errors = compareQuantities(ratio, '1') < 0 ? [invalid(path, ratio, `ratio ${ratio} is less than 1`)] : [];
  if (min === undefined || max === undefined) return errors;
  const exact = [ratio, min, max].every((quantity) => BigInt(quantityValue(quantity)) < MILLI_MAX);
  const valueOf = exact ? quantityMilliValue : quantityValue;
  const limit = valueOf(max) / valueOf(min);
  return (exact ? valueOf(ratio) / 1000 : valueOf(ratio)) > limit ? [...errors, invalid(path, ratio, `ratio ${ratio} is greater than max/min = ${limit.toFixed(6)}`)] : errors;
}
