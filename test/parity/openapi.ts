// Our OpenAPI documents against upstream's. Usage: node test/parity/openapi.ts FACTS_DIR; prints how many schemas, paths and operations differ.
import { isDeepStrictEqual } from 'node:util';
import { readFacts } from '../../build/schema/facts.ts';
import { openApiV2, openApiV3, type ServedResource } from '../../internal/api/openapi.ts';
import { loadSchemas } from '../../internal/api/schema.ts';
import { KINDS_JSON } from '../../internal/kinds/generated/kinds.ts';

const facts = readFacts(process.argv[2] ?? '');
const options = { schemas: loadSchemas(), resources: JSON.parse(KINDS_JSON) as ServedResource[], version: '1.36' };
const totals: Record<string, number> = {};
const samples: string[] = [];
for (const [path, theirs] of Object.entries(facts.v3)) {
  if (!/^(api|apis\/[^/]+)\/v\d\w*$/.test(path)) continue;
  const ours = openApiV3(path.replace(/^apis?\//, ''), options);
  compare('v3 schema', { ours: ours.components.schemas, theirs: theirs.components.schemas ?? {} });
  compare('v3 path', { ours: ours.paths, theirs: theirs.paths });
}
const v2 = openApiV2(options) as { definitions: Record<string, object>; paths: Record<string, object> };
compare('v2 schema', { ours: v2.definitions, theirs: facts.v2.definitions });
compare('v2 path', { ours: v2.paths, theirs: facts.v2.paths });
console.log(totals);
for (const sample of samples) console.log(sample);

function compare(what: string, { ours, theirs }: { ours: Record<string, object>; theirs: Record<string, object> }): void {
  for (const name of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const verdict = !(name in ours) ? 'missing' : !(name in theirs) ? 'extra' : isDeepStrictEqual(JSON.parse(JSON.stringify(ours[name])), theirs[name]) ? 'same' : 'differs';
    const key = `${what} ${verdict}`;
    totals[key] = (totals[key] ?? 0) + 1;
    if (verdict !== 'same' && (totals[key] ?? 0) <= 3) samples.push(`${key}: ${name}`);
  }
}
