// What upstream says of its definitions and their fields, which is what `kubectl explain` prints: node test/parity/openapi-words.ts FILE takes a digest of
// the words of each definition out of FILE (`kubectl get --raw /openapi/v2` of a live upstream) into fixtures/openapi-words.json, by which
// test/unit/build/openapi-words.test.ts holds ours to them.
import { hash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Words } from '../../internal/api/openapi-words.ts';
import { loadSchemas } from '../../internal/api/schema.ts';

export const WORDS_FIXTURE = join(import.meta.dirname, 'fixtures/openapi-words.json');

/** By definition. */
export type WordDigests = Record<string, string>;

interface Definition { description?: string; properties?: Record<string, { description?: string }> }

/** Ours, of every definition that upstream has too. */
export function ownWordDigests(words: Words, ids: readonly string[]): WordDigests {
  const schemas = loadSchemas();
  return Object.fromEntries(ids.map((id) => [id, digest(words.of(id), [...(schemas.get(id)?.fields.keys() ?? [])].map((field) => [field, words.of(id, field)]))]));
}

function theirWordDigests(definitions: Record<string, Definition>): WordDigests {
  return Object.fromEntries(Object.entries(definitions).map(([id, { description, properties = {} }]) => [id, digest(description, Object.entries(properties).map(([field, own]) => [field, own.description]))]));
}

/** Of what is said, in order of names. */
function digest(description: string | undefined, fields: readonly (readonly [name: string, text: string | undefined])[]): string {
  const said = fields.filter(([, text]) => text !== undefined && text !== '').sort(([a], [b]) => (a < b ? -1 : 1));
  return hash('sha256', JSON.stringify([description ?? '', ...said])).slice(0, 8);
}

if (import.meta.main) {
  const { definitions } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as { definitions: Record<string, Definition> };
  const found = theirWordDigests(definitions);
  writeFileSync(WORDS_FIXTURE, `${JSON.stringify(found).replaceAll('","', '",\n"')}\n`);
  console.log(`${String(Object.keys(found).length)} definitions`);
}
