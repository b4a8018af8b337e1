// What a CustomResourceDefinition must be. Upstream: apiextensions-apiserver, pkg/apis/apiextensions/validation, whose words and paths these are
// (paths are those of its internal type: `spec.conversion.webhookClientConfig`).
import { forbidden, invalid, notSupported, required, duplicate, tooMany, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { subdomainProblems } from '../../api/names.ts';
import { validateClientConfig } from '../admission/client-config-validation.ts';
import { dns1035Problems } from '../admission/names.ts';
import type { CustomResourceColumnDefinition, CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceDefinitionVersion, CustomResourceSubresources } from '../generated/api-types.ts';
import { APPROVAL_FIELD, approvalOf, approvalText, isProtected } from './api-approval.ts';
import { hasCondition } from './crd-conditions.ts';
import { validateCrdSchema } from './crd-schema-validation.ts';
import type { CustomSchema } from './custom-schema.ts';
import { fieldPathOf } from './field-path.ts';
import { schemaAsGoPrints } from './schema-print.ts';

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
const REVIEW_VERSIONS = ['v1', 'v1beta1'];
const SELECTABLE_MAX = 8;

export function validateCrd(crd: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  return [
    ...(old === undefined ? nameProblems(crd) : []),
    ...specProblems(crd, old),
    ...(crd.status?.acceptedNames === undefined ? [] : namesProblems(crd.status.acceptedNames, 'status.acceptedNames')),
    ...storedVersionProblems(crd),
    ...approvalProblems(crd, old),
    ...(crd.spec.preserveUnknownFields === true && old?.spec.preserveUnknownFields !== true ? [invalid('spec.preserveUnknownFields', true, 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead')] : []),
  ];
}

function nameProblems({ metadata, spec }: CustomResourceDefinition): FieldError[] {
  return metadata.name === `${spec.names.plural}.${spec.group}` ? [] : [invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group')];
}

function specProblems(crd: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  const { group, scope, names, versions: given } = crd.spec;
  const versions = (given as typeof given | undefined) ?? [];
  const errors: FieldError[] = [...groupProblems(group), ...oneOf('spec.scope', scope, ['Cluster', 'Namespaced'])];
  versions.forEach((version, index) => {
    if (version.schema?.openAPIV3Schema === undefined) errors.push(required(`spec.versions[${String(index)}].schema.openAPIV3Schema`));
  });
  const hoisted = hoistedFields(versions);
  versions.forEach((version, index) => errors.push(...versionProblems(version, `spec.versions[${String(index)}]`, { old, hoisted })));
  if (new Set(versions.map(({ name }) => name)).size < versions.length) errors.push(invalid('spec.versions', asGoPrints(given, hoisted), 'must contain unique version names'));
  if (versions.filter(({ storage }) => storage).length !== 1) errors.push(invalid('spec.versions', asGoPrints(given, hoisted), 'must have exactly one version marked as storage version'));
  const [first] = versions;
  if (first !== undefined) errors.push(...labelProblems('spec.version', first.name));
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) if (!names[field]) errors.push(required(`spec.names.${field}`));
  errors.push(...namesProblems(names, 'spec.names'), ...(first === undefined ? [] : topProblems(first, hoisted, old)), ...conversionProblems(crd, old));
  return old === undefined ? errors : [...errors, ...immutableProblems(crd, old)];
}

function immutableProblems({ spec }: CustomResourceDefinition, old: CustomResourceDefinition): FieldError[] {
  const settled = hasCondition(old, 'Established');
  const pairs: [field: string, now: unknown, before: unknown][] = [
    ...(settled ? ([['spec.scope', spec.scope, old.spec.scope], ['spec.names.kind', spec.names.kind, old.spec.names.kind]] as [string, unknown, unknown][]) : []),
    ['spec.group', spec.group, old.spec.group], ['spec.names.plural', spec.names.plural, old.spec.names.plural],
  ];
  return pairs.filter(([, now, before]) => now !== before).map(([field, now]) => invalid(field, now, 'field is immutable'));
}

function groupProblems(group: string): FieldError[] {
  if (!group) return [required('spec.group')];
  const problems = subdomainProblems(group);
  if (problems.length > 0) return [invalid('spec.group', group, problems.join(','))];
  return group.includes('.') ? [] : [invalid('spec.group', group, 'should be a domain with at least one dot')];
}

function oneOf(path: string, value: string | undefined, allowed: readonly string[]): FieldError[] {
  if (!value) return [required(path)];
  return allowed.includes(value) ? [] : [notSupported(path, value, allowed)];
}

function namesProblems({ plural, singular, kind, listKind, shortNames = [], categories = [] }: CustomResourceDefinitionNames, path: string): FieldError[] {
  const label = (field: string, value: string | undefined): FieldError[] => labelProblems(`${path}.${field}`, value);
  const listed = (field: string, value: string): FieldError[] => {
    const problems = dns1035Problems(value);
    return problems.length === 0 ? [] : [invalid(`${path}.${field}`, value, problems.join(','))];
  };
  const mixed = (field: string, value: string | undefined): FieldError[] => {
    const problems = value ? dns1035Problems(value.toLowerCase()) : [];
    return problems.length === 0 ? [] : [invalid(`${path}.${field}`, value, `may have mixed case, but should otherwise match: ${problems.join(',')}`)];
  };
  return [
    ...label('plural', plural), ...label('singular', singular), ...mixed('kind', kind), ...mixed('listKind', listKind),
    ...shortNames.flatMap((name, index) => listed(`shortNames[${String(index)}]`, name)),
    ...(kind && kind === listKind ? [invalid(`${path}.listKind`, listKind, 'kind and listKind may not be the same')] : []),
    ...categories.flatMap((name, index) => listed(`categories[${String(index)}]`, name)),
  ];
}

function labelProblems(path: string, value: string | undefined): FieldError[] {
  const problems = value ? dns1035Problems(value) : [];
  return problems.length === 0 ? [] : [invalid(path, value, problems.join(','))];
}

// ── versions ──

/** What all versions say alike stands above them in upstream's internal type, and so in its paths. */
type Hoisted = ReadonlySet<'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields'>;

function hoistedFields(versions: readonly CustomResourceDefinitionVersion[]): Hoisted {
  const [first] = versions;
  return new Set((['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields'] as const).filter((field) => versions.every((version) => sameSemantically(version[field], first?.[field]))));
}

function topProblems(version: CustomResourceDefinitionVersion, hoisted: Hoisted, old: CustomResourceDefinition | undefined): FieldError[] {
  return [
    ...(hoisted.has('schema') ? schemaProblems(version, 'spec.validation.openAPIV3Schema', old) : []),
    ...(hoisted.has('subresources') ? subresourceProblems(version.subresources, 'spec.subresources') : []),
    ...(hoisted.has('additionalPrinterColumns') ? columnsProblems(version, 'spec.additionalPrinterColumns') : []),
    ...(hoisted.has('selectableFields') ? selectableProblems(version, 'spec.selectableFields') : []),
  ];
}

/** The versions as upstream's internal type is written. */
function asGoPrints(versions: readonly CustomResourceDefinitionVersion[] | undefined, hoisted: Hoisted): unknown {
  return versions?.map((version) => ({
    Name: version.name ?? '', Served: version.served ?? false, Storage: version.storage ?? false, Deprecated: version.deprecated ?? false, DeprecationWarning: version.deprecationWarning ?? null,
    Schema: hoisted.has('schema') || version.schema === undefined ? null : { OpenAPIV3Schema: schemaAsGoPrints(version.schema.openAPIV3Schema as CustomSchema | undefined) }, Subresources: hoisted.has('subresources') ? null : (version.subresources ?? null),
    AdditionalPrinterColumns: hoisted.has('additionalPrinterColumns') ? null : (version.additionalPrinterColumns ?? null), SelectableFields: hoisted.has('selectableFields') ? null : (version.selectableFields ?? null),
  })) ?? null;
}

function versionProblems(version: CustomResourceDefinitionVersion, path: string, { old, hoisted }: { old: CustomResourceDefinition | undefined; hoisted: Hoisted }): FieldError[] {
  const errors: FieldError[] = [];
  const nameErrors = dns1035Problems(version.name);
  if (nameErrors.length > 0) errors.push(invalid(`${path}.name`, version.name ?? '', nameErrors.join(',')));
  for (const problem of deprecationProblems(version)) errors.push(invalid(`${path}.deprecationWarning`, version.deprecationWarning, problem));
  if (!hoisted.has('schema')) errors.push(...schemaProblems(version, `${path}.schema.openAPIV3Schema`, old));
  if (!hoisted.has('subresources')) errors.push(...subresourceProblems(version.subresources, `${path}.subresources`));
  if (!hoisted.has('additionalPrinterColumns')) errors.push(...columnsProblems(version, `${path}.additionalPrinterColumns`));
  if (!hoisted.has('selectableFields')) errors.push(...selectableProblems(version, `${path}.selectableFields`));
  return errors;
}

function schemaProblems(version: CustomResourceDefinitionVersion, path: string, old: CustomResourceDefinition | undefined): FieldError[] {
  const schema = version.schema?.openAPIV3Schema as CustomSchema | undefined;
  if (schema === undefined) return [];
  const before = old?.spec.versions.find(({ name }) => name === version.name)?.schema?.openAPIV3Schema;
  const unchanged = before !== undefined && sameSemantically(before, schema);
  return validateCrdSchema(schema, { path, hasStatus: version.subresources?.status !== undefined, unchanged });
}

function columnsProblems({ additionalPrinterColumns = [] }: CustomResourceDefinitionVersion, path: string): FieldError[] {
  return additionalPrinterColumns.flatMap((column, index) => columnProblems(column, `${path}[${String(index)}]`));
}

function deprecationProblems({ deprecated, deprecationWarning }: CustomResourceDefinitionVersion): string[] {
  if (deprecationWarning === undefined) return [];
  if (deprecated !== true) return ['can only be set for deprecated versions'];
  const odd = Array.from(deprecationWarning).findIndex((character) => character !== ' ' && /[\p{C}\p{Z}]/u.test(character));
  return [
    ...(Buffer.byteLength(deprecationWarning) > 256 ? ['must be <= 256 characters long'] : []),
    ...(deprecationWarning === '' ? ['must not be an empty string'] : []),
    ...(odd >= 0 ? [`must only contain printable UTF-8 characters; non-printable character found at index ${String(odd)}`] : []),
  ];
}

function subresourceProblems(subresources: CustomResourceSubresources | undefined, path: string): FieldError[] {
  const scale = subresources?.scale;
  if (scale === undefined) return [];
  const under = (field: 'specReplicasPath' | 'statusReplicasPath' | 'labelSelectorPath', prefixes: readonly string[], words: string): FieldError[] => {
    const value = scale[field];
    if (!value) return field === 'labelSelectorPath' ? [] : [required(`${path}.scale.${field}`)];
    const problems = pathProblems(value, `${path}.scale.${field}`);
    if (problems.length > 0) return problems;
    return prefixes.some((prefix) => value.startsWith(prefix)) ? [] : [invalid(`${path}.scale.${field}`, value, words)];
  };
  return [
    ...under('specReplicasPath', ['.spec.'], 'should be a json path under .spec'),
    ...under('statusReplicasPath', ['.status.'], 'should be a json path under .status'),
    ...under('labelSelectorPath', ['.spec.', '.status.'], 'should be a json path under either .spec or .status'),
  ];
}

function pathProblems(value: string, path: string): FieldError[] {
  return value.startsWith('.') ? [] : [invalid(path, value, 'must be a simple json path starting with .')];
}

function columnProblems({ name, type, format, jsonPath }: CustomResourceColumnDefinition, path: string): FieldError[] {
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  return [
    ...(name ? [] : [required(`${path}.name`)]),
    ...(!type ? [required(`${path}.type`, types)] : COLUMN_TYPES.includes(type) ? [] : [invalid(`${path}.type`, type, types)]),
    ...(format && !COLUMN_FORMATS.includes(format) ? [invalid(`${path}.format`, format, `must be one of ${COLUMN_FORMATS.join(',')}`)] : []),
    ...(jsonPath ? pathProblems(jsonPath, `${path}.JSONPath`) : [required(`${path}.JSONPath`)]),
  ];
}

function selectableProblems({ selectableFields = [], schema: validation }: CustomResourceDefinitionVersion, path: string): FieldError[] {
  if (selectableFields.length === 0) return [];
  const schema = validation?.openAPIV3Schema as CustomSchema | undefined;
  if (schema === undefined) return [invalid(path, '', 'may only be set when `version.schema.openAPIV3Schema` is not included')];
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  selectableFields.forEach(({ jsonPath }, index) => {
    const at = `${path}[${String(index)}].jsonPath`;
    if (!jsonPath) return void errors.push(required(at));
    const found = fieldPathOf(jsonPath, schema, { brackets: false });
    if (typeof found === 'string') return void errors.push(invalid(at, jsonPath, `is an invalid path: ${found}`));
    if (/^metadata(\.|$)/.test(found.path)) errors.push(invalid(at, jsonPath, 'must not point to fields in metadata'));
    if (!['string', 'boolean', 'integer'].includes(found.schema?.type ?? '')) errors.push(invalid(at, jsonPath, 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'));
    if (seen.has(found.path)) errors.push(duplicate(at, jsonPath));
    seen.add(found.path);
  });
  if (seen.size > SELECTABLE_MAX) errors.push(tooMany(path, seen.size, SELECTABLE_MAX));
  return errors;
}

// ── conversion, status, approval ──

function conversionProblems({ spec }: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  const { conversion } = spec;
  if (conversion === undefined) return [];
  const errors = oneOf('spec.conversion.strategy', conversion.strategy, ['None', 'Webhook']);
  const { webhook } = conversion;
  if (conversion.strategy !== 'Webhook') {
    const unwanted = [...(webhook?.clientConfig === undefined ? [] : ['webhookClientConfig']), ...((webhook?.conversionReviewVersions ?? []).length === 0 ? [] : ['conversionReviewVersions'])];
    return [...errors, ...unwanted.map((field) => forbidden(`spec.conversion.${field}`, 'should not be set when strategy is not set to Webhook'))];
  }
  if (webhook?.clientConfig === undefined) errors.push(required('spec.conversion.webhookClientConfig', 'required when strategy is set to Webhook'));
  else errors.push(...validateClientConfig(webhook.clientConfig, 'spec.conversion.webhookClientConfig'));
  return [...errors, ...reviewVersionProblems(webhook?.conversionReviewVersions ?? [], old)];
}

function reviewVersionProblems(versions: readonly string[], old: CustomResourceDefinition | undefined): FieldError[] {
  const path = 'spec.conversion.conversionReviewVersions';
  if (versions.length === 0) return [required(path)];
  const errors = versions.flatMap((version, index) => {
    if (versions.indexOf(version) < index) return [invalid(`${path}[${String(index)}]`, version, 'duplicate version')];
    return dns1035Problems(version).map((problem) => invalid(`${path}[${String(index)}]`, version, problem));
  });
  const before = old?.spec.conversion?.webhook?.conversionReviewVersions ?? [];
  const strict = before.length === 0 || before.some((version) => REVIEW_VERSIONS.includes(version));
  if (strict && !versions.some((version) => REVIEW_VERSIONS.includes(version))) errors.push(invalid(path, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`));
  return errors;
}

function storedVersionProblems({ spec, status }: CustomResourceDefinition): FieldError[] {
  const stored = status?.storedVersions ?? [];
  const path = 'status.storedVersions';
  if (stored.length === 0) return [invalid(path, null, 'must have at least one stored version')];
  const missing = spec.versions.filter(({ name, storage }) => storage && !stored.includes(name)).map(({ name }) => invalid(path, stored, `must have the storage version ${name}`));
  const gone = stored.flatMap((name, index) => (spec.versions.some((version) => version.name === name) ? [] : [invalid(`${path}[${String(index)}]`, name, `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`)]));
  return [...missing, ...gone];
}

/** Of /status alone. */
export function validateCrdStatus({ status }: CustomResourceDefinition): FieldError[] {
  return status?.acceptedNames === undefined ? [] : namesProblems(status.acceptedNames, 'status.acceptedNames');
}

function approvalProblems({ metadata, spec }: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  if (!isProtected(spec.group)) return [];
  const { reason, message } = approvalOf(metadata.annotations);
  if (old !== undefined && approvalOf(old.metadata.annotations).reason === reason) return [];
  if (reason === 'MissingAnnotation') return [required(APPROVAL_FIELD, message)];
  return reason === 'InvalidAnnotation' ? [invalid(APPROVAL_FIELD, approvalText(metadata.annotations), message)] : [];
}
