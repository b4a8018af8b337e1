// A thousand expressions, held to what Kubernetes' own CEL said of them: issues, types, values, errors, costs and estimates.
// The answers are taken anew with Go: cd fixtures/record && go mod tidy && go run . ../expressions.txt ../inputs.json ../answers.json
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BOOL, CelError, compile, DOUBLE, DYN, EvaluationError, formatType, INT, listOf, mapOf, mutationTypes, optionalOf, ProgramError, schemaType, STRING, toJson, type Environment, type TypeSchema } from '../../../internal/cel/index.ts';
import { formatDouble, textOf } from '../../../internal/cel/library/conversions.ts';
import { Double, Duration, Timestamp, Uint } from '../../../internal/cel/scalar.ts';
import { ListValue, MapValue, Optional, StructValue, typeNameOf, TypeValue, type Value } from '../../../internal/cel/value.ts';

interface Answer { issues: string; program: string; type: string; value: string; error: string; cost: number; estimate: number }
/** `plain`, `mutation`, `schema` (self is the whole resource), or a field of spec (self is its value). */
type Row = Partial<Answer> & { section: string; expression: string };

const folder = join(import.meta.dirname, 'fixtures');
const rows = JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8')) as Row[];
const inputs = JSON.parse(readFileSync(join(folder, 'inputs.json'), 'utf8')) as { plain: Record<string, unknown>; schema: TypeSchema; self: { spec: Record<string, unknown> } };

const KNOWN: Readonly<Record<string, string>> = {
  'google.protobuf.Duration{}': 'protobuf messages are not built: no Kubernetes expression can use one',
  'type(Object{})': 'upstream says type(type), by oversight',
  'Object.spec': 'upstream cannot make the program; a type alone is of no use here either',
};

const plain = { d: DYN, s: STRING, i: INT, f: DOUBLE, b: BOOL, l: listOf(INT), ls: listOf(STRING), m: mapOf(STRING, INT), o: optionalOf(INT), 'a.b': STRING };
const root = schemaType(inputs.schema, { resourceRoot: true, name: 'selfType' }) ?? DYN;
interface Scene { environment: Environment; variables: Record<string, unknown> }
const SCENES: Readonly<Record<string, Scene>> = {
  plain: { environment: { variables: plain }, variables: { ...inputs.plain, o: new Optional(7), 'a.b': 'dotted' } },
  mutation: { environment: { variables: plain, types: mutationTypes }, variables: { ...inputs.plain, o: new Optional(7), 'a.b': 'dotted' } },
  schema: { environment: { variables: { self: root, oldSelf: root } }, variables: { self: inputs.self, oldSelf: inputs.self } },
};

for (const section of new Set(rows.map((row) => row.section))) {
  t.test(`${section} expressions`, (t) => {
    for (const row of rows) {
      if (row.section !== section || row.expression in KNOWN) continue;
      const want = { issues: '', program: '', type: '', value: '', error: '', cost: 0, estimate: 0, ...row, expression: row.expression };
      const got = isRule(section) ? asRule(answer(row)) : answer(row);
      t.strictSame(compared(got, section), compared(want, section), row.expression);
    }
    t.end();
  });
}

function compared({ issues, program, type, value, error, cost, estimate }: Answer, section: string): Partial<Answer> {
  const words = issues.replaceAll(/selfType\d+/g, 'selfType').trim();
  return { issues: words, program, value, error, cost, ...(program === '' && !isRule(section) && { type }), ...(isRule(section) && { estimate }) };
}

function isRule(section: string): boolean {
  return section !== 'plain' && section !== 'mutation';
}

function sceneOf(field: string): Scene {
  const type = schemaType(inputs.schema.properties?.['spec']?.properties?.[field] ?? {}, { name: 'selfType' }) ?? DYN;
  const value = inputs.self.spec[field];
  return { environment: { variables: { self: type, oldSelf: type } }, variables: { self: value, oldSelf: value } };
}

function answer({ section, expression }: Row): Answer {
  const got: Answer = { issues: '', program: '', type: '', value: '', error: '', cost: 0, estimate: 0 };
  const { environment, variables } = SCENES[section] ?? sceneOf(section);
  try {
    const program = compile(expression, environment);
    got.type = formatType(program.outputType);
    got.estimate = program.estimateCost().max;
    const { value, cost } = program.evaluate(variables);
    return { ...got, value: show(value as Value), cost };
  } catch (error) {
    if (error instanceof CelError) return { ...got, issues: error.message.trim() };
    if (error instanceof ProgramError) return { ...got, program: error.message };
    if (error instanceof EvaluationError) return { ...got, error: error.message, cost: error.cost };
    throw error;
  }
}

// What the validation of CRDs makes of it.
function asRule(got: Answer): Answer {
  const issues = got.issues !== '' ? `compilation failed: ${got.issues}` : got.program !== '' ? `program instantiation failed: ${got.program}` : got.type === 'bool' ? '' : 'cel expression must evaluate to a bool';
  return issues === '' ? got : { issues, program: '', type: '', value: '', error: '', cost: 0, estimate: 0 };
}

function show(value: Value): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint) return `${String(value.value)}u`;
  if (value instanceof Double) return `double(${formatDouble(value.value)})`;
  if (value instanceof Uint8Array) return `b(${Buffer.from(value).toString('hex')})`;
  if (value instanceof Timestamp) return `timestamp(${textOf(value)})`;
  if (value instanceof Duration) return `duration(${textOf(value)})`;
  if (value instanceof TypeValue) return `type(${value.name})`;
  if (value instanceof Optional) return value.value === undefined ? 'none' : `optional(${show(value.value)})`;
  if (value instanceof ListValue) return `[${value.toArray().map(show).join(',')}]`;
  if (value instanceof MapValue) return `{${Array.from(value.keys(), (key) => `${show(key)}:${show(value.find(key) ?? null)}`).toSorted().join(',')}}`;
  return value instanceof StructValue ? showStruct(value) : `other(${typeNameOf(value)})`;
}

function showStruct(value: StructValue): string {
  if (value.type.name !== 'JSONPatch') return `object(${JSON.stringify(JSON.stringify(sorted(toJson(value))))})`;
  const field = (name: string): string => (value.fields.get(name) as string | undefined) ?? '';
  const added = value.fields.get('value');
  return `JSONPatch(${field('op')},${field('path')},${field('from')},${added === undefined ? '' : show(added)})`;
}

function sorted(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(sorted);
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(Object.entries(json).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]));
}
