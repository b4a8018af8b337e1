// Secret: typed data that may be sealed with `immutable` (upstream: registry/core/secret, ValidateSecret).
import { messageOf } from '../../base/errors.ts';
import { objectAge } from '../../api/age.ts';
import { forbidden, invalid, required, tooLong, type FieldError } from '../../api/field-error.ts';
import { sameJson } from '../../api/json-equality.ts';
import { parseJson } from '../../api/json.ts';
import { configKeyProblems, subdomainName } from '../../api/names.ts';
import type { Secret } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { base64Length } from '../base64.ts';
import { keyPairWarnings } from './secret-warnings.ts';

const BYTES_MAX = 1024 * 1024;
const SERVICE_ACCOUNT_NAME = 'kubernetes.io/service-account.name';

export const secret: KindRules<Secret> = {
  validateName: subdomainName,
  applyDefaults,
  prepareForUpdate: (draft, old) => { if (!draft.type) draft.type = old.type ?? 'Opaque'; },
  validate,
  validateUpdate,
  warnings: ({ type, data = {} }) => (type === 'kubernetes.io/tls' ? keyPairWarnings(data['tls.crt'] ?? '', data['tls.key'] ?? '') : []),
  cells: (object, now) => [object.metadata.name, object.type ?? '', Object.keys(object.data ?? {}).length, objectAge(object, now)],
  selectableFields: (object) => ({ type: object.type ?? '' }),
};

/** `stringData` is written into `data` and is never stored. */
function applyDefaults(draft: Secret): void {
  draft.type ||= 'Opaque';
  if (draft.stringData === undefined) return;
  draft.data = { ...draft.data };
  for (const [key, value] of Object.entries(draft.stringData)) draft.data[key] = Buffer.from(value).toString('base64');
  delete draft.stringData;
}

function validate(object: Secret): FieldError[] {
  const data = object.data ?? {};
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    for (const problem of configKeyProblems(key)) errors.push(invalid(`data[${key}]`, key, problem));
    size += base64Length(value);
  }
  if (size > BYTES_MAX) errors.push(tooLong('data', BYTES_MAX));
  return [...errors, ...validateType(object, data)];
}

function validateType({ type, metadata }: Secret, data: Record<string, string>): FieldError[] {
  switch (type ?? '') {
    case 'kubernetes.io/service-account-token':
      return metadata.annotations?.[SERVICE_ACCOUNT_NAME] ? [] : [required(`metadata.annotations[${SERVICE_ACCOUNT_NAME}]`)];
    case 'kubernetes.io/dockercfg': return jsonKey(data, '.dockercfg');
    case 'kubernetes.io/dockerconfigjson': return jsonKey(data, '.dockerconfigjson');
    case 'kubernetes.io/basic-auth':
      return 'username' in data || 'password' in data ? [] : [required('data[username]'), required('data[password]')];
    case 'kubernetes.io/ssh-auth': return data['ssh-privatekey'] ? [] : [required('data[ssh-privatekey]')];
    case 'kubernetes.io/tls': return ['tls.crt', 'tls.key'].filter((key) => !(key in data)).map((key) => required(`data[${key}]`));
    default: return [];
  }
}

function jsonKey(data: Record<string, string>, key: string): FieldError[] {
  const value = data[key];
  if (value === undefined) return [required(`data[${key}]`)];
  try {
    parseJson(Buffer.from(value, 'base64').toString('latin1')); // Go tells of bytes
    return [];
  } catch (error) {
    return [invalid(`data[${key}]`, '<secret contents redacted>', messageOf(error))];
  }
}

function validateUpdate(object: Secret, old: Secret): FieldError[] {
  const errors: FieldError[] = [];
  if (object.type !== old.type) errors.push(invalid('type', object.type, 'field is immutable'));
  if (old.immutable !== true) return errors;
  if (object.immutable !== true) errors.push(forbidden('immutable', 'field is immutable when `immutable` is set'));
  if (!sameJson(object.data ?? {}, old.data ?? {})) errors.push(forbidden('data', 'field is immutable when `immutable` is set'));
  return errors;
}
