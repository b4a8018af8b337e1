// Upstream's golden objects against our protobuf codec. Usage: node test/parity/golden.ts …/k8s.io/api@vX/testdata/HEAD
// For each pair of x.json and x.pb whose kind is in the table: decode(pb) must be the JSON (zeros apart), decode(encode(json)) too.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { applyDefaults } from '../../internal/api/defaults.ts';
import { copy, parseApiVersion } from '../../internal/api/meta.ts';
import { decodeProtobuf, encodeProtobuf } from '../../internal/api/protobuf.ts';
import { loadSchemas } from '../../internal/api/schema.ts';
import { checkShape } from '../../internal/api/shape.ts';

const folder = process.argv[2];
if (folder === undefined || !existsSync(folder)) throw new Error('usage: golden.ts FOLDER (testdata/HEAD of the Go module k8s.io/api)');
const schemas = loadSchemas();
const counts = { decoded: 0, encoded: 0, same: 0, shaped: 0, total: 0 };
for (const file of readdirSync(folder).filter((name) => name.endsWith('.json')).sort()) check(file.slice(0, -5));
console.log(`${String(counts.total)} golden objects: decode ${String(counts.decoded)}, decode(encode) ${String(counts.encoded)}, encoded bytes identical ${String(counts.same)}, shape accepted ${String(counts.shaped)}`);
if (counts.decoded !== counts.total || counts.encoded !== counts.total || counts.shaped !== counts.total) process.exitCode = 1;

function check(name: string): void {
  const json = JSON.parse(readFileSync(join(folder as string, `${name}.json`), 'utf8')) as { apiVersion?: string; kind: string };
  const { group, version } = parseApiVersion(json.apiVersion ?? '');
  const definition = schemas.byKind(group, version, json.kind);
  if (definition === undefined) return;
  counts.total++;
  const shape = checkShape(definition, json, schemas);
  if (shape.errors.length + shape.unknown.length === 0) counts.shaped++;
  else console.log(`${name}: shape ${JSON.stringify(shape).slice(0, 300)}`);
  const bytes = readFileSync(join(folder as string, `${name}.pb`));
  if (matches(name, { want: json, got: decodeProtobuf(bytes, schemas) })) counts.decoded++;
  const encoded = encodeProtobuf(json, schemas);
  if (matches(`${name} encoded`, { want: json, got: decodeProtobuf(encoded, schemas) })) counts.encoded++;
  if (Buffer.compare(encoded, bytes) === 0) counts.same++;

  function matches(what: string, { want, got }: { want: object; got: object }): boolean {
    if (definition === undefined) return false;
    const [a, b] = [copy(want), copy(got)];
    applyDefaults(definition, a, schemas);
    applyDefaults(definition, b, schemas);
    if (isDeepStrictEqual(a, b)) return true;
    console.log(`${what}: ${firstDifference(a, b, '')}`);
    return false;
  }
}

function firstDifference(want: unknown, got: unknown, path: string): string {
  if (typeof want !== 'object' || typeof got !== 'object' || want === null || got === null) return `${path}: want ${JSON.stringify(want)} got ${JSON.stringify(got)}`;
  for (const key of new Set([...Object.keys(want), ...Object.keys(got)])) {
    const [a, b] = [(want as Record<string, unknown>)[key], (got as Record<string, unknown>)[key]];
    if (!isDeepStrictEqual(a, b)) return firstDifference(a, b, `${path}.${key}`);
  }
  return path;
}
