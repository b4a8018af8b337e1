// Writes the words of OpenAPI (descriptions of definitions, fields, parameters), which are upstream's, from packages that carry them: they are no part of
// this repository. kubernetes-models has nearly all of this version's as they are; @kubernetes/client-node has those of parameters and a few more, on one
// line each. One compressed file in the cache; the executable carries it.
// Usage: node build/words/words.ts
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { loadSchemas } from '../../internal/api/schema.ts';
import { WORDS_FILE } from '../../cmd/openapi-words.ts';
import { NPM_RECORD, packageFolder } from '../programs/npm.ts';
import { clientWords, parameterWords } from './client-node.ts';
import { modelWords } from './models.ts';

/** The file's path; made where it is not there, or not of these sources. */
export function wordsFile(): string {
  const sources = [...readdirSync(import.meta.dirname).map((name) => join(import.meta.dirname, name)), NPM_RECORD, 'package-lock.json', 'internal/api/generated/schema-table.ts'];
  const stamp = hash('sha256', sources.map((path) => readFileSync(path, 'utf8')).join('\0'));
  if (existsSync(WORDS_FILE) && existsSync(`${WORDS_FILE}.stamp`) && readFileSync(`${WORDS_FILE}.stamp`, 'utf8') === stamp) return WORDS_FILE;
  mkdirSync(dirname(WORDS_FILE), { recursive: true });
  const temporary = `${WORDS_FILE}.${String(process.pid)}`;
  writeFileSync(temporary, zstdCompressSync(wordsTable(), { params: { [constants.ZSTD_c_compressionLevel]: 19 } }));
  renameSync(temporary, WORDS_FILE);
  writeFileSync(`${WORDS_FILE}.stamp`, stamp);
  return WORDS_FILE;
}

// No package has upstream's words for it, so these are our own.
const OWN: readonly (readonly [id: string, text: string])[] = [
  ['io.k8s.apimachinery.pkg.api.resource.Quantity', 'An amount as a decimal number and a suffix: n, u, m (thousandths), none, k, M, G, T, P, E in powers of 1000; Ki, Mi, Gi, Ti, Pi, Ei in powers of 1024; or an exponent as in 12e6. At most three decimal places count and 2^63-1 is the largest amount; what is finer is rounded up. It is given back in its shortest form without fractions, in the sort of suffix that it came in: 1.5 as 1500m, 1.5Gi as 1536Mi.'],
];

/** As internal/api/openapi-words.ts reads it. */
function wordsTable(): string {
  const schemas = loadSchemas();
  const client = packageFolder('@kubernetes/client-node');
  const texts = new Map([...clientWords(client, schemas), ...modelWords([packageFolder('kubernetes-models'), packageFolder('@kubernetes-models/apimachinery')], schemas), ...OWN]);
  const lines: string[] = [];
  for (const id of schemas.ids()) {
    const own = texts.get(id);
    if (own !== undefined) lines.push(`D\t${id}\t${quoted(own)}`);
    for (const field of schemas.get(id)?.fields.keys() ?? []) {
      const text = texts.get(`${id} ${field}`);
      if (text !== undefined) lines.push(`F\t${id}\t${field}\t${quoted(text)}`);
    }
  }
  for (const [key, text] of parameterWords(client)) lines.push(`P\t${key}\t${quoted(text)}`);
  return lines.join('\n');
}

/** In ASCII, which takes half the memory when it is read. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u0080-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

if (import.meta.main) process.stdout.write(`${wordsFile()}\n`);
