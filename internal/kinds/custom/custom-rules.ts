// The rules of a custom kind, made from its definition: what a file of internal/kinds is to a built-in kind.
// Upstream: apiextensions-apiserver, pkg/registry/customresource (strategy, status strategy, validator).
import { invalid, type FieldError } from '../../api/field-error.ts';
import type { KubeObject, Unstructured } from '../../api/meta.ts';
import { labelKeyProblems } from '../../api/names.ts';
import type { CustomResourceDefinitionVersion, CustomResourceSubresourceScale } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import type { CustomSchema } from './custom-schema.ts';
import { embeddedProblems } from './embedded-resources.ts';
import { findAll, parseJsonPath } from './json-path.ts';
import { listTypeProblems } from './list-types.ts';
import { columnsOf } from './printer-columns.ts';
import { hasRules, ruleProblems } from './rule-validation.ts';
import { NO_PATH, validateValue } from './value-validation.ts';

const INT32_MAX = 2147483647;
const UNCHECKED: FieldError = invalid(NO_PATH, null, 'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation');
/** Errors after which rules are not asked: the value may not have the type they count on. */
const BLOCKING: ReadonlySet<FieldError['type']> = new Set(['NotSupported', 'Required', 'TooLong', 'TooMany', 'TypeInvalid']);

export function customRules(version: CustomResourceDefinitionVersion): KindRules {
  const schema = version.schema?.openAPIV3Schema as CustomSchema | undefined;
  const { status, scale } = version.subresources ?? {};
  const hasStatus = status !== undefined && status !== null;
  return {
    tracksGeneration: true,
    plainFinalizers: true,
    allowUnconditionalUpdate: false,
    cells: columnsOf(version.additionalPrinterColumns).cells,
    prepareForCreate(draft) {
      if (hasStatus) delete (draft as Unstructured)['status'];
    },
    prepareForUpdate(draft, old) {
      if (hasStatus) keepStatus(draft as Unstructured, old as Unstructured);
    },
    prepareForStatusUpdate: keepAllButStatus,
    validateCreate: (object) => checked(schema, { object, old: undefined, errors: [...validateValue(schema, object), ...scaleProblems(object, scale, true)] }),
    validateUpdate(object, old) {
      const errors = [...validateValue(schema, object, { old, isUpdate: true }), ...scaleProblems(object, scale, true)];
      return checked(schema, { object, old, errors });
    },
    validateStatusUpdate(object, old) {
      const [given, before] = [(object as Unstructured)['status'], (old as Unstructured)['status']];
      const errors = given === undefined ? [] : validateValue(schema?.properties?.['status'], given, { path: 'status', old: before, isUpdate: true });
      return checked(schema, { object, old, errors: [...errors, ...scaleProblems(object, scale, false)] });
    },
    warnings: (object, old) => finalizerWarnings(object.metadata.finalizers, old?.metadata.finalizers),
    ...selectable(version),
  };
}

interface Checking {
  object: KubeObject;
  old: KubeObject | undefined;
  errors: FieldError[];
}

/** What comes after the schema: embedded objects, list types, rules. */
function checked(schema: CustomSchema | undefined, { object, old, errors }: Checking): FieldError[] {
  const all = [...errors, ...embeddedProblems(schema, object)];
  if (old === undefined || listTypeProblems(schema, old).length === 0) all.push(...listTypeProblems(schema, object));
  if (schema === undefined) return all;
  const unchecked = all.some(({ type }) => BLOCKING.has(type));
  const problems = unchecked ? undefined : ruleProblems(schema, { value: object, old });
  if (problems === undefined) return unchecked && hasRules(schema) ? [...all, UNCHECKED] : all;
  return [...all, ...problems];
}

function keepStatus(draft: Unstructured, old: Unstructured): void {
  if (old['status'] === undefined) delete draft['status'];
  else draft['status'] = old['status'];
}

/** Unlike built-in kinds', a custom status is written without any of the metadata. */
function keepAllButStatus(draft: KubeObject, old: KubeObject): void {
  const { resourceVersion, managedFields } = draft.metadata;
  draft.metadata = { ...old.metadata, resourceVersion };
  if (managedFields === undefined) delete draft.metadata.managedFields;
  else draft.metadata.managedFields = managedFields;
}

function selectable({ selectableFields = [] }: CustomResourceDefinitionVersion): Pick<KindRules, 'selectableFields'> {
  if (selectableFields.length === 0) return {};
  const fields = selectableFields.map(({ jsonPath }) => ({ name: jsonPath.replace(/^\./, ''), steps: parseJsonPath(jsonPath) }));
  return {
    selectableFields: (object) => Object.fromEntries(fields.map(({ name, steps }) => {
      const value = findAll(steps, object)[0];
      return [name, value === undefined || value === null ? '' : String(value as string | number | boolean)];
    })),
  };
}

// ── scale ──

/** The value at a path of names, `.spec.replicas`. */
export function valueAt(object: unknown, path: string): unknown {
  return path.replace(/^\./, '').split('.').reduce<unknown>((value, name) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined), object);
}

function scaleProblems(object: KubeObject, scale: CustomResourceSubresourceScale | undefined, withSpec: boolean): FieldError[] {
  if (scale === undefined) return [];
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  const selector = labelSelectorPath === undefined ? undefined : valueAt(object, labelSelectorPath);
  return [
    ...(withSpec ? replicaProblems(object, specReplicasPath) : []),
    ...replicaProblems(object, statusReplicasPath),
    ...(selector === undefined || typeof selector === 'string' ? [] : [invalid(labelSelectorPath ?? '', '', accessor(labelSelectorPath ?? '', selector, 'string'))]),
  ];
}

function replicaProblems(object: KubeObject, path: string): FieldError[] {
  const blocked = scalarOnTheWay(object, path);
  if (blocked !== undefined) return [invalid(path, 0, accessor(path, blocked, 'map[string]interface{}'))];
  const value = valueAt(object, path);
  if (value === undefined) return [];
  if (typeof value !== 'bigint' && (typeof value !== 'number' || !Number.isInteger(value))) return [invalid(path, 0, accessor(path, value, 'int64'))];
  if (value < 0) return [invalid(path, value, 'should be a non-negative integer')];
  return value > INT32_MAX ? [invalid(path, value, `should be less than or equal to ${String(INT32_MAX)}`)] : [];
}

/** What stands where the path goes on. */
function scalarOnTheWay(object: unknown, path: string): unknown {
  let value = object;
  for (const name of path.replace(/^\./, '').split('.').slice(0, -1)) {
    value = (value as Record<string, unknown>)[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  }
  return undefined;
}

function accessor(path: string, value: unknown, wanted: string): string {
  const type = Array.isArray(value) ? '[]interface {}' : typeof value === 'bigint' || Number.isSafeInteger(value) ? 'int64' : typeof value === 'number' ? 'float64' : typeof value === 'boolean' ? 'bool' : typeof value === 'string' ? 'string' : value === null ? '<nil>' : 'map[string]interface {}';
  const shown = typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean);
  return `${path.startsWith('.') ? path : `.${path}`} accessor error: ${shown} is of the type ${type}, expected ${wanted}`;
}

// ── finalizers ──

const STANDARD_FINALIZERS: ReadonlySet<string> = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

function finalizerWarnings(finalizers: readonly string[] = [], old: readonly string[] = []): string[] {
  return finalizers.filter((name) => !old.includes(name)).sort().flatMap((name) => {
    const said = labelKeyProblems(name).map((problem) => `metadata.finalizers: ${JSON.stringify(name)}: ${problem}`);
    if (name.includes('/') || STANDARD_FINALIZERS.has(name)) return said;
    const path = name.includes('.') ? ' including a path (/)' : '';
    return [...said, `metadata.finalizers: ${JSON.stringify(name)}: prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`];
  });
}
