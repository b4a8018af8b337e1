// The environment of a container: envFrom first, then env in order (later wins; `$(NAME)` sees what stands before it and the services),
// then what services there are. A source that is missing fails the container's creation unless it is optional.
import { CONFIGMAPS, SECRETS } from '../../../internal/kinds/generated/resources.ts';
import type { ConfigMap, Container, EnvVar, EnvVarSource, Secret } from '../../../internal/kinds/generated/api-types.ts';
import { notFound } from '../../../internal/base/errors.ts';
import type { ObjectSource } from '../objects.ts';
import { expand } from './expansion.ts';
import { fieldValue, resourceFieldValue, type FieldContext } from './field-value.ts';
import { readEnvFile } from './env-file.ts';

export interface EnvironmentInput {
  fields: FieldContext;
  container: Container;
  services: ReadonlyMap<string, string>;
  objects: ObjectSource;
  /** Host directory of a mounted volume, for fileKeyRef. */
  volumePath(name: string): string | undefined;
}

export interface Environment {
  variables: { name: string; value: string }[];
  lookup(name: string): string | undefined;
}

export async function environmentOf(input: EnvironmentInput): Promise<Environment> {
  const own = new Map<string, string>();
  const lookup = (name: string): string | undefined => own.get(name) ?? input.services.get(name);
  for (const source of input.container.envFrom ?? []) {
    for (const [name, value] of await allOf(input, source)) own.set(`${source.prefix ?? ''}${name}`, value);
  }
  for (const variable of input.container.env ?? []) {
    const value = await valueOf(input, variable, lookup);
    if (value !== undefined) own.set(variable.name, value);
  }
  const inherited = [...input.services].filter(([name]) => !own.has(name));
  return { variables: [...own, ...inherited].map(([name, value]) => ({ name, value })), lookup };
}

async function allOf(input: EnvironmentInput, source: NonNullable<Container['envFrom']>[number]): Promise<[string, string][]> {
  if (source.configMapRef !== undefined) {
    const map = await configMapOf(input, source.configMapRef.name ?? '', source.configMapRef.optional === true);
    return Object.entries(map?.data ?? {});
  }
  if (source.secretRef === undefined) return [];
  const secret = await secretOf(input, source.secretRef.name ?? '', source.secretRef.optional === true);
  return Object.entries(secret?.data ?? {}).map(([name, value]) => [name, decode(value)]);
}

/** undefined: an optional source is not there, and the variable is left out. */
async function valueOf(input: EnvironmentInput, variable: EnvVar, lookup: Environment['lookup']): Promise<string | undefined> {
  if (variable.value !== undefined && variable.value !== '') return expand(variable.value, lookup);
  return variable.valueFrom === undefined ? '' : sourceValue(input, variable.valueFrom);
}

async function sourceValue(input: EnvironmentInput, source: EnvVarSource): Promise<string | undefined> {
  const { fields, container } = input;
  if (source.fieldRef !== undefined) return fieldValue(fields, source.fieldRef);
  if (source.resourceFieldRef !== undefined) return resourceFieldValue(fields, container, source.resourceFieldRef);
  if (source.configMapKeyRef !== undefined) {
    const { name = '', key, optional = false } = source.configMapKeyRef;
    const value = (await configMapOf(input, name, optional))?.data?.[key];
    return value ?? missing(optional, `couldn't find key ${key} in ConfigMap ${fields.pod.metadata.namespace ?? ''}/${name}`);
  }
  if (source.secretKeyRef !== undefined) {
    const { name = '', key, optional = false } = source.secretKeyRef;
    const value = (await secretOf(input, name, optional))?.data?.[key];
    return value === undefined ? missing(optional, `couldn't find key ${key} in Secret ${fields.pod.metadata.namespace ?? ''}/${name}`) : decode(value);
  }
  if (source.fileKeyRef !== undefined) return readEnvFile(input.volumePath(source.fileKeyRef.volumeName), source.fileKeyRef);
  return '';
}

function missing(optional: boolean, message: string): undefined {
  if (!optional) throw new Error(message);
  return undefined;
}

async function configMapOf({ objects, fields }: EnvironmentInput, name: string, optional: boolean): Promise<ConfigMap | undefined> {
  const found = await objects.get(CONFIGMAPS, fields.pod.metadata.namespace ?? '', name);
  if (found === undefined && !optional) throw notFound({ group: '', resource: 'configmap' }, name);
  return found;
}

async function secretOf({ objects, fields }: EnvironmentInput, name: string, optional: boolean): Promise<Secret | undefined> {
  const found = await objects.get(SECRETS, fields.pod.metadata.namespace ?? '', name);
  if (found === undefined && !optional) throw notFound({ group: '', resource: 'secret' }, name);
  return found;
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}
