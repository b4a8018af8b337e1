// One path of an OpenAPI document with its operations, in the form of v2 or v3.
import type { GroupVersionKind } from './meta.ts';
import { bodyParameter, parameterOf, type Parameter } from './openapi-parameters.ts';
import { reference, type Dialect } from './openapi-schemas.ts';
import type { Schemas } from './schema.ts';
import { described, type Words } from './openapi-words.ts';

export interface PathContext {
  schemas: Schemas;
  dialect: Dialect;
  words: Words;
  /** v2: parameters that operations share, filled as they are used. */
  shared: Map<string, object>;
}

export interface Operation {
  method: 'get' | 'put' | 'post' | 'delete' | 'options' | 'head' | 'patch';
  id: string;
  description: string;
  tag: string;
  action?: string;
  kind?: GroupVersionKind;
  parameters: readonly Parameter[];
  /** What the body is; `consumes` names its types. */
  body?: { id: string; needed: boolean };
  consumes: readonly string[];
  produces: readonly string[];
  /** Definition that is answered with, or plain text. */
  answer: string;
  codes: readonly number[];
}

/** `answer` of operations that give no object. */
export const TEXT_ANSWER = '';
const CODE_WORDS: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 401: 'Unauthorized' };

/** What all operations of a path take is said once, at the path. `kind`: whose name `{name}` is. */
export function pathItem(path: string, operations: readonly Operation[], { kind, context }: { kind: string; context: PathContext }): Record<string, unknown> {
  const [first, ...others] = operations;
  const common = (first?.parameters ?? []).filter(({ name }) => others.every(({ parameters }) => parameters.some((other) => other.name === name)));
  const isCommon = new Set(common.map(({ name }) => name));
  const item: Record<string, unknown> = {};
  for (const operation of operations) {
    const own = operation.parameters.filter(({ name }) => !isCommon.has(name));
    item[operation.method] = operationOf(operation, own.map((parameter) => parameterOf(parameter, kind, context)), context);
  }
  const placed = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']): Parameter => ({ name, in: 'path' }));
  const parameters = [...placed, ...common].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.in < b.in ? -1 : 1));
  if (parameters.length > 0) item['parameters'] = parameters.map((parameter) => parameterOf(parameter, kind, context));
  return item;
}

function operationOf(operation: Operation, parameters: readonly object[], context: PathContext): object {
  const { id, description, tag, action, kind, body, answer, codes, consumes, produces } = operation;
  const { dialect } = context;
  const schema = answer === TEXT_ANSWER ? { type: 'string' } : { $ref: reference(answer, dialect) };
  const shared = described({
    operationId: id, tags: [tag],
    ...(action !== undefined && { 'x-kubernetes-action': action }), ...(kind !== undefined && { 'x-kubernetes-group-version-kind': { group: kind.group, kind: kind.kind, version: kind.version } }),
  }, description);
  if (dialect === 'v2') {
    const all = [...(body === undefined ? [] : [bodyParameter(body.id, { needed: body.needed, context })]), ...parameters];
    return { ...shared, ...(consumes.length > 0 && { consumes }), produces, schemes: ['https'], ...(all.length > 0 && { parameters: all }), responses: responses(codes, { schema }) };
  }
  return {
    ...shared, ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { content: Object.fromEntries(consumes.map((type) => [type, { schema: { $ref: reference(body.id, dialect) } }])), ...(body.needed && { required: true }) } }),
    responses: responses(codes, { content: Object.fromEntries(produces.map((type) => [type, { schema }])) }),
  };
}

function responses(codes: readonly number[], answer: object): Record<string, object> {
  return Object.fromEntries([...codes.map((code) => [code, described(answer, CODE_WORDS[code])]), [401, { description: CODE_WORDS[401] }]]);
}
