// Paths to a field of a schema, as rules (`fieldPath`) and selectable fields name them: `.spec.x`, `.labels['a/b']`.
// Upstream: ValidFieldPath of apiextensions-apiserver, pkg/apiserver/schema/cel/validation.go.
import { schemaOfValues, takesAnyMember, type CustomSchema } from './custom-schema.ts';

export interface FieldPath {
  /** As errors write it: `spec.x`, `labels[a/b]`. */
  path: string;
  schema: CustomSchema | undefined;
}

const TOKENS = /'(?:\\[^]|[^'\\])*'|'[^]*|[.[\]]|[^.[\]]+/g;

/** Where the path leads, or what is wrong with it. */
export function fieldPathOf(text: string, root: CustomSchema, { brackets }: { brackets: boolean }): FieldPath | string {
  const tokens = text.match(TOKENS) ?? [];
  let found: FieldPath = { path: '', schema: root };
  for (let at = 0; at < tokens.length; at += 2) {
    const token = tokens[at] ?? '';
    if (token !== '.' && token !== '[') return `expected [ or . but got: ${token}`;
    if (token === '[' && !brackets) return 'array notation is not allowed';
    const given = tokens[at + 1];
    if (given === undefined) return 'unexpected end of JSON path';
    if (token === '[' && !/^'[^]*'$/.test(given)) return `expected single quoted string but got ${given}`;
    const next = member(found, token === '.' ? given : given.slice(1, -1).replaceAll(/\\(['\\])/g, '$1'));
    if (next === undefined) return 'does not refer to a valid field';
    found = next;
    if (token === '.') continue;
    at++;
    const closing = tokens[at + 1];
    if (closing !== ']') return closing === undefined ? 'unexpected end of JSON path' : `expected ] but got ${closing}`;
  }
  return found;
}

function member({ path, schema }: FieldPath, name: string): FieldPath | undefined {
  const { properties = {} } = schema ?? {};
  if (Object.keys(properties).length === 0) return takesAnyMember(schema) ? { path: `${path}[${name}]`, schema: schemaOfValues(schema) } : undefined;
  return Object.hasOwn(properties, name) ? { path: path === '' ? name : `${path}.${name}`, schema: properties[name] } : undefined;
}
