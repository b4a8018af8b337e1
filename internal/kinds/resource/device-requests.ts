// What claims, templates of claims and device classes have in common (upstream: pkg/apis/resource): requests for devices, their defaults and
// validation.
import { duplicate, forbidden, invalid, notSupported, required, tooLong, tooMany, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems, labelKeyProblems, labelValueProblems, subdomainProblems } from '../../api/names.ts';
import type { DeviceConstraint, DeviceRequest, DeviceSelector, DeviceToleration, ExactDeviceRequest, ResourceClaimSpec } from '../generated/api-types.ts';
import { oneOf } from '../choices.ts';
import { compileDeviceExpression, DEVICE_COST_MAX, deviceExpressionProblem } from './device-expressions.ts';
import { fullyQualifiedNameProblems, validateOpaque } from './device-values.ts';

const LIST_MAX = 32;
const ALTERNATIVES_MAX = 8;
const EXPRESSION_MAX = 10 * 1024;
const MODES = ['All', 'ExactCount'];
const ONE_SORT = 'exactly one of `exactly` or `firstAvailable` is required';

type Wanted = Pick<ExactDeviceRequest, 'allocationMode' | 'count' | 'deviceClassName' | 'selectors' | 'tolerations'>;

export function requestDefaults(spec: ResourceClaimSpec | undefined): void {
  for (const { exactly, firstAvailable = [] } of spec?.devices?.requests ?? []) {
    for (const wanted of [...(exactly === undefined ? [] : [exactly]), ...firstAvailable]) {
      wanted.allocationMode ||= 'ExactCount';
      if (wanted.allocationMode === 'ExactCount') wanted.count ||= 1;
    }
  }
}

export function validateClaimSpec({ devices = {} }: ResourceClaimSpec = {}, path: string): FieldError[] {
  const { requests = [], constraints = [], config = [] } = devices;
  const names = requestNames({ devices });
  return [
    ...validateSet(requests, `${path}.devices.requests`, { max: LIST_MAX, validate: validateRequest, keyOf: ({ name }) => name }),
    ...validateList(constraints, `${path}.devices.constraints`, (constraint, at) => validateConstraint(constraint, at, names)),
    ...validateList(config, `${path}.devices.config`, ({ requests: of = [], opaque }, at) => [...validateNames(of, `${at}.requests`, names), ...validateOpaque(opaque, `${at}.opaque`)]),
  ];
}

/** `gpu`, and `gpu/large` where there are alternatives. */
export function requestNames({ devices = {} }: ResourceClaimSpec): ReadonlySet<string> {
  return new Set((devices.requests ?? []).flatMap(({ name, firstAvailable = [] }) => [name, ...firstAvailable.map((one) => `${name}/${one.name}`)]));
}

export function validateSelectors(selectors: readonly DeviceSelector[] | undefined, path: string): FieldError[] {
  return validateList(selectors ?? [], path, ({ cel }, at) => (cel === undefined ? [required(`${at}.cel`)] : cel.expression ? validateExpression(cel.expression, `${at}.cel.expression`) : [required(`${at}.cel.expression`)]));
}

function validateExpression(expression: string, path: string): FieldError[] {
  if (Buffer.byteLength(expression) > EXPRESSION_MAX) return [tooLong(path, EXPRESSION_MAX)];
  const problem = deviceExpressionProblem(expression);
  if (problem !== undefined) return [invalid(path, expression, problem)];
  return compileDeviceExpression(expression).estimateCost().max > DEVICE_COST_MAX ? [forbidden(path, 'too complex, exceeds cost limit')] : [];
}

export function validateList<T>(items: readonly T[], path: string, validate: (item: T, path: string) => FieldError[]): FieldError[] {
  return items.length > LIST_MAX ? [tooMany(path, items.length, LIST_MAX)] : items.flatMap((item, index) => validate(item, `${path}[${String(index)}]`));
}

export function validateSet<T>(items: readonly T[], path: string, { max, validate, keyOf }: { max: number; validate(item: T, path: string): FieldError[]; keyOf(item: T): string }): FieldError[] {
  if (items.length > max) return [tooMany(path, items.length, max)];
  const keys = items.map(keyOf);
  return [
    ...items.flatMap((item, index) => validate(item, `${path}[${String(index)}]`)),
    ...keys.flatMap((key, index) => (keys.indexOf(key) < index ? [duplicate(`${path}[${String(index)}]`, key)] : [])),
  ];
}

function validateRequest({ name, exactly, firstAvailable = [] }: DeviceRequest, path: string): FieldError[] {
  const errors = nameErrors(name, `${path}.name`);
  if (exactly === undefined && firstAvailable.length === 0) return [...errors, required(path, ONE_SORT)];
  if (exactly !== undefined && firstAvailable.length > 0) return [...errors, invalid(path, null, `${ONE_SORT}, but multiple fields are set`)];
  if (exactly !== undefined) return [...errors, ...validateWanted(exactly, `${path}.exactly`)];
  return [...errors, ...validateSet(firstAvailable, `${path}.firstAvailable`, { max: ALTERNATIVES_MAX, validate: (one, at) => [...nameErrors(one.name, `${at}.name`), ...validateWanted(one, at)], keyOf: (one) => one.name })];
}

function validateWanted(wanted: Wanted, path: string): FieldError[] {
  const { deviceClassName: name, selectors, allocationMode: mode = '', count = 0, tolerations = [] } = wanted;
  const errors = name ? subdomainProblems(name).map((problem) => invalid(`${path}.deviceClassName`, name, problem)) : [required(`${path}.deviceClassName`)];
  errors.push(...validateSelectors(selectors, `${path}.selectors`));
  if (mode === 'All' && count !== 0) errors.push(invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'"));
  if (mode === 'ExactCount' && count <= 0) errors.push(invalid(`${path}.count`, count, 'must be greater than zero'));
  if (!MODES.includes(mode)) errors.push(notSupported(`${path}.allocationMode`, mode, MODES));
  tolerations.forEach((toleration, index) => errors.push(...validateToleration(toleration, `${path}.tolerations[${String(index)}]`)));
  return errors;
}

function validateToleration({ key = '', operator, value = '', effect }: Partial<DeviceToleration>, path: string): FieldError[] {
  const errors = key === '' ? [] : labelKeyProblems(key).map((problem) => invalid(`${path}.key`, key, problem));
  if (operator === 'Exists' && value !== '') errors.push(invalid(`${path}.value`, value, 'must be empty for operator `Exists`'));
  if (operator === 'Equal') errors.push(...labelValueProblems(value).map((problem) => invalid(`${path}.value`, value, problem)));
  errors.push(...oneOf(operator, `${path}.operator`, ['Equal', 'Exists']));
  return effect === undefined ? errors : [...errors, ...oneOf(effect, `${path}.effect`, ['NoExecute', 'NoSchedule', 'None'])];
}

function validateConstraint({ requests = [], matchAttribute, distinctAttribute }: DeviceConstraint, path: string, names: ReadonlySet<string>): FieldError[] {
  const errors = validateNames(requests, `${path}.requests`, names);
  if (matchAttribute !== undefined) return [...errors, ...fullyQualifiedNameProblems(matchAttribute, `${path}.matchAttribute`)];
  if (distinctAttribute !== undefined) return [...errors, ...fullyQualifiedNameProblems(distinctAttribute, `${path}.distinctAttribute`)];
  return [...errors, required(path, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set')];
}

export function validateNames(requests: readonly string[], path: string, names: ReadonlySet<string>): FieldError[] {
  return validateSet(requests, path, {
    max: LIST_MAX, keyOf: (name) => name,
    validate: (name, at) => [...(name.split('/').length > 2 ? [] : name.split('/').flatMap((part) => nameErrors(part, at))), ...(names.has(name) ? [] : [invalid(at, name, 'must be the name of a request in the claim or the name of a request and a subrequest separated by \'/\'')])],
  });
}

function nameErrors(name: string, path: string): FieldError[] {
  return dnsLabelProblems(name ?? '').map((problem) => invalid(path, name ?? '', problem));
}
