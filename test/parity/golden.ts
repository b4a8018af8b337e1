// Takes upstream's golden objects of the kinds that are served into one file, which test/unit/api/golden.test.ts reads.
// Usage: node test/parity/golden.ts …/k8s.io/api@vX/testdata/HEAD
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { parseApiVersion } from '../../internal/api/meta.ts';
import { loadSchemas } from '../../internal/api/schema.ts';
import { GOLDEN_FILE, type Golden } from '../support/golden-objects.ts';

const folder = process.argv[2];
if (folder === undefined || !existsSync(folder)) throw new Error('usage: golden.ts FOLDER (testdata/HEAD of the Go module k8s.io/api)');
const schemas = loadSchemas();
const all = readdirSync(folder).filter((name) => name.endsWith('.json')).sort();
const served = all.map((file) => read(folder, file.slice(0, -5))).filter(({ json }) => {
  const { group, version } = parseApiVersion(json.apiVersion ?? '');
  return schemas.byKind(group, version, json.kind ?? '') !== undefined;
});
writeFileSync(GOLDEN_FILE, brotliCompressSync(JSON.stringify(served)));
console.log(`${String(served.length)} of ${String(all.length)} golden objects: the others are of versions that 1.36 does not serve, or no objects of their own (options, WatchEvent)`);

function read(directory: string, name: string): Golden {
  return { name, json: JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8')) as Golden['json'], protobuf: readFileSync(join(directory, `${name}.pb`)).toString('base64'), yaml: readFileSync(join(directory, `${name}.yaml`), 'utf8') };
}
