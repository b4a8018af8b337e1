// Writes the words of OpenAPI (descriptions of definitions, fields, parameters), which are upstream's, from packages that carry them: they are no part of
// this repository. @kubernetes/client-node has those of this version, but for fields that are objects, and on one line; @pulumi/kubernetes has most of the
// others, with their line breaks. What neither has stays untold. One compressed file in the cache; the executable carries it.
// Usage: node build/words/words.ts
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { loadSchemas, type Definition, type Schemas, type TypeRef } from '../../internal/api/schema.ts';
import { WORDS_FILE } from '../../cmd/openapi-words.ts';
import { NPM_RECORD, packageFolder } from '../programs/npm.ts';
import { clientWords, parameterWords } from './client-node.ts';
import { pulumiWords } from './pulumi.ts';

/** By definition id, or `id field`. */
export type Texts = ReadonlyMap<string, string>;

/** The file's path; made where it is not there, or not of these sources. */
export function wordsFile(): string {
  const sources = [...readdirSync(import.meta.dirname).map((name) => join(import.meta.dirname, name)), NPM_RECORD, 'package-lock.json', 'internal/api/generated/schema-table.ts'];
  const stamp = createHash('sha256').update(sources.map((path) => readFileSync(path, 'utf8')).join('\0')).digest('hex');
  if (existsSync(WORDS_FILE) && existsSync(`${WORDS_FILE}.stamp`) && readFileSync(`${WORDS_FILE}.stamp`, 'utf8') === stamp) return WORDS_FILE;
  mkdirSync(dirname(WORDS_FILE), { recursive: true });
  const temporary = `${WORDS_FILE}.${String(process.pid)}`;
  writeFileSync(temporary, zstdCompressSync(wordsTable(), { params: { [constants.ZSTD_c_compressionLevel]: 19 } }));
  renameSync(temporary, WORDS_FILE);
  writeFileSync(`${WORDS_FILE}.stamp`, stamp);
  return WORDS_FILE;
}

/** As internal/api/openapi-words.ts reads it. */
function wordsTable(): string {
  const schemas = loadSchemas();
  const client = clientWords(packageFolder('@kubernetes/client-node'), schemas);
  const pulumi = pulumiWords(packageFolder('@pulumi/kubernetes'), schemas);
  const lines: string[] = [];
  const usual = usualWords(schemas, (key) => merged(client.get(key), pulumi.get(key)));
  for (const id of schemas.ids()) {
    const own = merged(client.get(id), pulumi.get(id));
    if (own !== undefined) lines.push(`D\t${id}\t${quoted(own)}`);
    for (const field of schemas.get(id)?.fields.values() ?? []) {
      const text = merged(client.get(`${id} ${field.name}`), pulumi.get(`${id} ${field.name}`)) ?? usual.get(usualKey(field.name, field.type));
      if (text !== undefined) lines.push(`F\t${id}\t${field.name}\t${quoted(text)}`);
    }
  }
  for (const [key, text] of parameterWords(packageFolder('@kubernetes/client-node'))) lines.push(`P\t${key}\t${quoted(text)}`);
  return lines.join('\n');
}

/** In ASCII, which takes half the memory when it is read. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u0080-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Pulumi's is of another version: where the two say the same it tells where lines end, where they do not it is the older. */
function merged(client: string | undefined, pulumi: string | undefined): string | undefined {
  if (client === undefined || pulumi === undefined) return client ?? pulumi;
  return plain(client) === plain(pulumi) ? withLines(client, pulumi) : client;
}

/** One keeps tabs and has a space for each newline, the other keeps newlines and indents otherwise. */
function withLines(text: string, lined: string): string {
  const gaps = lined.trim().match(/\s+/g) ?? [];
  let at = 0;
  return text.trim().replaceAll(/\s+/g, (gap) => {
    const newlines = (gaps[at++]?.match(/\n/g) ?? []).length;
    return '\n'.repeat(newlines) + gap.slice(newlines);
  });
}

function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

// `metadata` of lists: what most of them say.
function usualWords(schemas: Schemas, textOf: (key: string) => string | undefined): Texts {
  const counts = new Map<string, Map<string, number>>();
  for (const [definition, field] of fieldsOf(schemas)) {
    const text = textOf(`${definition.id} ${field.name}`);
    const key = usualKey(field.name, field.type);
    if (text === undefined || key === '') continue;
    const known = counts.get(key) ?? new Map<string, number>();
    counts.set(key, known.set(text, (known.get(text) ?? 0) + 1));
  }
  return new Map([...counts].map(([key, texts]) => [key, [...texts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? '']));
}

function* fieldsOf(schemas: Schemas): Generator<[Definition, { name: string; type: TypeRef }]> {
  for (const id of schemas.ids()) {
    const definition = schemas.get(id);
    for (const field of definition?.fields.values() ?? []) if (definition !== undefined) yield [definition, field];
  }
}

function usualKey(name: string, type: TypeRef): string {
  return name === 'metadata' && type.type === 'object' ? type.definition : '';
}

if (import.meta.main) process.stdout.write(`${wordsFile()}\n`);
