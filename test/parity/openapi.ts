// Our OpenAPI documents against upstream's facts: `node test/parity/openapi.ts FACTS_DIR` prints how many schemas, paths and operations differ, and which;
// with --write it takes the digests of upstream's parts into fixtures/openapi-digests.json, by which test/unit/api/openapi.test.ts holds ours to them.
import { hash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFacts } from '../../build/schema/facts.ts';
import { documentOf, openApiV2Members, openApiV3, openApiV3Names, type OpenApiOptions } from '../../internal/api/openapi.ts';
import { loadSchemas } from '../../internal/api/schema.ts';
import type { ServedResource } from '../../internal/api/served-resource.ts';
import { KINDS_JSON } from '../../internal/kinds/generated/kinds.ts';

export const OPENAPI_FIXTURE = join(import.meta.dirname, 'fixtures/openapi-digests.json');

/** By part (`v2 definition X`, `v3 apis/apps/v1 paths`), a digest of its form without prose. */
export type Digests = Record<string, string>;

interface V2 { definitions: object; paths: object; parameters?: object; securityDefinitions?: object; security?: unknown; info?: object }
interface V3 { paths: object; components: { schemas?: object; securitySchemes?: object }; info?: object }

function digestsOf(v2: V2, v3: Record<string, V3>): Digests {
  const found: Digests = {};
  for (const part of ['definitions', 'paths', 'parameters'] as const) for (const [name, value] of Object.entries(v2[part] ?? {})) found[`v2 ${part} ${name}`] = digest(value);
  for (const part of ['securityDefinitions', 'security', 'info'] as const) found[`v2 ${part}`] = digest(v2[part]);
  for (const [name, { paths, components, info }] of Object.entries(v3)) {
    found[`v3 ${name} paths`] = digest(paths);
    found[`v3 ${name} schemas`] = digest(components.schemas ?? {});
    found[`v3 ${name} others`] = digest([components.securitySchemes, info]);
  }
  return found;
}

/** What we publish of the built-in kinds. */
export function ownDigests(): Digests {
  const options: OpenApiOptions = { schemas: loadSchemas(), resources: JSON.parse(KINDS_JSON) as ServedResource[], version: '1.36' };
  return digestsOf(documentOf(openApiV2Members(options)) as V2, Object.fromEntries(openApiV3Names(options).map((name) => [name, openApiV3(name, options) as V3])));
}

export function differences(ours: Digests, theirs: Digests): string[] {
  return [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].filter((part) => ours[part] !== theirs[part]).map((part) => `${part in ours ? (part in theirs ? 'differs' : 'extra') : 'missing'}: ${part}`);
}

function digest(value: unknown): string {
  return hash('sha256', JSON.stringify(canonical(value)) ?? '').slice(0, 8);
}

/** Members in one order; prose left out, as the facts have none. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([name, inner]) => inner !== undefined && !(name === 'description' && typeof inner === 'string'));
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, canonical(inner)]));
}

if (import.meta.main) {
  const [folder = '', write] = process.argv.slice(2);
  const facts = readFacts(folder);
  const theirs = digestsOf(facts.v2, facts.v3);
  if (write === '--write') writeFileSync(OPENAPI_FIXTURE, `${JSON.stringify(theirs, undefined, 0).replaceAll('","', '",\n"')}\n`);
  const found = differences(ownDigests(), theirs);
  for (const line of found) console.log(line);
  console.log(`${String(Object.keys(theirs).length)} parts, ${String(found.length)} of them differ`);
}
