// Columns of a custom resource's Table: the name, then what the definition's JSON paths find. Upstream: apiextensions-apiserver,
// pkg/registry/customresource/tableconvertor.
import { ageOf } from '../../api/age.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { CustomResourceColumnDefinition } from '../generated/api-types.ts';
import type { Cell, Column } from '../kind.ts';
import { findAll, JsonPathError, parseJsonPath, printValue, type Step } from './json-path.ts';

const NAME: Column = {
  name: 'Name', type: 'string', format: 'name', priority: 0,
  description: 'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names',
};
const AGE: CustomResourceColumnDefinition = {
  name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp',
  description: 'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata',
};

interface Columns {
  columns: Column[];
  cells(object: KubeObject, now: number): Cell[];
}

export function columnsOf(given: readonly CustomResourceColumnDefinition[] | undefined): Columns {
  const readable: { column: Column; steps: Step[] }[] = [];
  for (const definition of given === undefined || given.length === 0 ? [AGE] : given) {
    const steps = stepsOf(definition.jsonPath);
    if (steps === undefined) break; // from the first bad path on upstream shows no columns
    const { name, type, format = '', priority = 0, jsonPath, description } = definition;
    readable.push({ steps, column: { name, type: type as Column['type'], format, priority, description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}` } });
  }
  return {
    columns: [NAME, ...readable.map(({ column }) => column)],
    cells: (object, now) => [object.metadata.name, ...readable.map(({ column, steps }) => cellOf(column.type, findAll(steps, object)[0], now))],
  };
}

function stepsOf(path: string): Step[] | undefined {
  try {
    return parseJsonPath(path);
  } catch (error) {
    if (error instanceof JsonPathError) return undefined;
    throw error;
  }
}

function cellOf(type: Column['type'], value: unknown, now: number): Cell {
  if (value === undefined || (value === null && type !== 'string')) return null;
  switch (type) {
    case 'string': return value === null ? '<no value>' : printValue(value);
    case 'integer': return typeof value === 'number' ? Math.trunc(value) : typeof value === 'bigint' ? value : null;
    case 'number': return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : null;
    case 'boolean': return typeof value === 'boolean' ? value : null;
    case 'date': return typeof value !== 'string' ? null : Number.isNaN(Date.parse(value)) ? '<invalid>' : ageOf(value, now);
  }
}
