// What names and values of devices are held to (upstream: pkg/apis/resource/validation).
import { invalid, required, tooLong, type FieldError } from '../../api/field-error.ts';
import { regexpWords, subdomainProblems } from '../../api/names.ts';
import type { DeviceAttribute, OpaqueDeviceConfiguration } from '../generated/api-types.ts';
import { driverNameProblems } from '../storage/storage-validation.ts';

const ID_MAX = 32;
const VALUE_MAX = 64;
const POOL_NAME_MAX = 253;
const PARAMETERS_MAX = 10 * 1024;
const IDENTIFIER = '[A-Za-z_][A-Za-z0-9_]*';
const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;
const LISTS = ['bools', 'ints', 'strings', 'versions'] as const;

/** `name`, or `driver.example.com/name`. */
function qualifiedNameProblems(name: string, path: string): FieldError[] {
  const [domain = '', own, ...more] = name.split('/');
  if (own === undefined) return identifierProblems(domain, path);
  if (more.length > 0) return [];
  return [
    ...(domain === '' ? [invalid(path, '', 'the domain must not be empty')] : driverNameProblems(domain, path)),
    ...(own === '' ? [invalid(path, '', 'the name must not be empty')] : identifierProblems(own, path)),
  ];
}

export function fullyQualifiedNameProblems(name: string, path: string): FieldError[] {
  const errors = qualifiedNameProblems(name, path);
  return name.includes('/') ? errors : [...errors, invalid(path, name, 'a fully qualified name must be a domain and a name separated by a slash')];
}

function identifierProblems(name: string, path: string): FieldError[] {
  return [
    ...(name.length > ID_MAX ? [tooLong(path, ID_MAX)] : []),
    ...(new RegExp(`^${IDENTIFIER}$`).test(name) ? [] : [invalid(path, name, regexpWords("a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'", IDENTIFIER, ['my_name', 'MY_NAME', 'MyName']))]),
  ];
}

export function poolNameProblems(name: string, path: string): FieldError[] {
  if (name === '') return [required(path)];
  return [...(name.length > POOL_NAME_MAX ? [tooLong(path, POOL_NAME_MAX)] : []), ...name.split('/').flatMap((part) => subdomainProblems(part).map((problem) => invalid(path, part, problem)))];
}

export function validateOpaque(opaque: Partial<OpaqueDeviceConfiguration> | undefined, path: string): FieldError[] {
  if (opaque === undefined) return [required(path)];
  const { driver = '', parameters } = opaque;
  return [...driverNameProblems(driver, `${path}.driver`), ...objectProblems(parameters, `${path}.parameters`)];
}

/** JSON that only its driver knows. */
export function objectProblems(parameters: unknown, path: string): FieldError[] {
  if (parameters === undefined || parameters === null) return [required(path)];
  if (JSON.stringify(parameters).length > PARAMETERS_MAX) return [tooLong(path, PARAMETERS_MAX)];
  return typeof parameters === 'object' && !Array.isArray(parameters) ? [] : [invalid(path, '<value omitted>', 'must be a valid JSON object')];
}

export function validateAttribute(attribute: DeviceAttribute, path: string): FieldError[] {
  const { string: text, version } = attribute;
  const errors: FieldError[] = [];
  if (text !== undefined && Buffer.byteLength(text) > VALUE_MAX) errors.push(tooLong(`${path}.string`, VALUE_MAX));
  if (version !== undefined && !SEMVER.test(version)) errors.push(invalid(`${path}.version`, version, 'must be a string compatible with semver.org spec 2.0.0'));
  if (version !== undefined && Buffer.byteLength(version) > VALUE_MAX) errors.push(tooLong(`${path}.version`, VALUE_MAX));
  const given = (['bool', 'int', 'string', 'version', ...LISTS] as const).filter((field) => (attribute as Record<string, unknown>)[field] !== undefined);
  if (given.length === 0) errors.push(invalid(path, asGoPrints(), 'exactly one value must be specified'));
  else if (given.length > 1) errors.push(invalid(path, asGoPrints(), 'exactly one value must be specified, not multiple'));
  return errors;
}

/** An attribute without a value, as upstream's internal type is written. */
function asGoPrints(): object {
  return Object.fromEntries(['IntValue', 'BoolValue', 'StringValue', 'VersionValue', 'IntValues', 'BoolValues', 'StringValues', 'VersionValues'].map((name) => [name, null]));
}
