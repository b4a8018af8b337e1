// What OpenAPI does not say of a field and its Go type does: whether it is a pointer (its zero is a value of its own), whether a zero is
// left out of JSON (omitempty, omitzero), and the name of its type, which decoding errors give. Read from the Go modules' types.go and
// committed as go-fields.tsv, so that generating needs no Go modules: one line a struct, `id<TAB>field[*][?][!]:type ...`.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface GoField {
  type: string;
  pointer: boolean;
  omitEmpty: boolean;
  omitZero: boolean;
}

const TABLE = join(import.meta.dirname, 'go-fields.tsv');
const ROOTS: readonly [prefix: string, module: string, path: string][] = [
  ['io.k8s.apimachinery.', 'apimachinery', ''],
  ['io.k8s.apiextensions-apiserver.', 'apiextensions-apiserver', ''],
  ['io.k8s.kube-aggregator.', 'kube-aggregator', ''],
  ['io.k8s.api.', 'api', ''],
];

/** Reads the types of every package that `ids` name under `modules` (…/pkg/mod/k8s.io) at `version`, and rewrites go-fields.tsv. */
export function refreshGoFields(modules: string, version: string, ids: readonly string[]): void {
  const packages = new Set(ids.map((id) => id.slice(0, id.lastIndexOf('.'))));
  const lines: string[] = [];
  for (const name of [...packages].sort()) {
    const root = ROOTS.find(([prefix]) => name.startsWith(prefix));
    if (root === undefined) continue;
    const folder = join(modules, `${root[1]}@${version}`, name.slice(root[0].length).replaceAll('.', '/'));
    if (!existsSync(folder)) continue;
    for (const [struct, fields] of structsIn(folder)) lines.push(`${name}.${struct}\t${fields.join(' ')}`);
  }
  writeFileSync(TABLE, `${lines.join('\n')}\n`);
}

export function readGoFields(): Map<string, Map<string, GoField>> {
  const structs = new Map<string, Map<string, GoField>>();
  for (const line of readFileSync(TABLE, 'utf8').trimEnd().split('\n')) {
    const [id = '', fields = ''] = line.split('\t');
    structs.set(id, new Map(fields.split(' ').filter(Boolean).map((field) => parseField(field))));
  }
  return structs;
}

function parseField(text: string): [string, GoField] {
  const [, name = '', marks = '', type = ''] = /^([^*?!:]+)([*?!]*):(.*)$/.exec(text) ?? [];
  return [name, { type, pointer: marks.includes('*'), omitEmpty: marks.includes('?'), omitZero: marks.includes('!') }];
}

function structsIn(folder: string): [string, string[]][] {
  const structs: [string, string[]][] = [];
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.go') || /_test|generated|doc\.go|register/.test(file)) continue;
    let fields: string[] | undefined;
    for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
      const opened = /^type (\w+) struct \{$/.exec(line);
      if (opened !== null) structs.push([opened[1] ?? '', (fields = [])]);
      else if (line === '}') fields = undefined;
      else if (fields !== undefined) fields.push(...fieldOf(line));
    }
  }
  return structs.filter(([, fields]) => fields.length > 0);
}

function fieldOf(line: string): string[] {
  const [, type = '', json = ''] = /^\t(?:\w+\s+)?(\S+)\s+`.*?json:"([^"]*)".*`/.exec(line) ?? [];
  const [name = '', ...options] = json.split(',');
  if (type === '' || name === '-' || (name === '' && !options.includes('inline') && json !== '')) return [];
  const pointer = type.startsWith('*');
  const plain = pointer ? type.slice(1) : type;
  if (name === '') return plain.includes('TypeMeta') ? [] : [`@:${plain}`];
  return [`${name}${pointer ? '*' : ''}${options.includes('omitempty') ? '?' : ''}${options.includes('omitzero') ? '!' : ''}:${plain}`];
}
