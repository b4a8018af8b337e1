// ConfigMap: data that may be sealed with `immutable` (upstream: registry/core/configmap, ValidateConfigMap).
import { objectAge } from '../../api/age.ts';
import { forbidden, invalid, tooLong, type FieldError } from '../../api/field-error.ts';
import { sameJson } from '../../api/json-equality.ts';
import { configKeyProblems, subdomainName } from '../../api/names.ts';
import type { ConfigMap } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { base64Length } from '../base64.ts';

const BYTES_MAX = 1024 * 1024;

export const configMap: KindRules<ConfigMap> = {
  validateName: subdomainName,
  validate,
  validateUpdate,
  cells: (object, now) => [object.metadata.name, Object.keys(object.data ?? {}).length + Object.keys(object.binaryData ?? {}).length, objectAge(object, now)],
  allowUnconditionalUpdate: true,
};

function validate({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    for (const problem of configKeyProblems(key)) errors.push(invalid(`data[${key}]`, key, problem));
    if (key in binaryData) errors.push(invalid(`data[${key}]`, key, `duplicate of key present in binaryData`));
    size += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    for (const problem of configKeyProblems(key)) errors.push(invalid(`binaryData[${key}]`, key, problem));
    size += base64Length(value);
  }
  if (size > BYTES_MAX) errors.push(tooLong('', BYTES_MAX));
  return errors;
}

function validateUpdate(object: ConfigMap, old: ConfigMap): FieldError[] {
  if (old.immutable !== true) return [];
  const errors: FieldError[] = [];
  if (object.immutable !== true) errors.push(forbidden('immutable', 'field is immutable when `immutable` is set'));
  if (!sameJson(object.data ?? {}, old.data ?? {})) errors.push(forbidden('data', 'field is immutable when `immutable` is set'));
  if (!sameJson(object.binaryData ?? {}, old.binaryData ?? {})) errors.push(forbidden('binaryData', 'field is immutable when `immutable` is set'));
  return errors;
}
