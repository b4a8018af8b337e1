// The comments of kubernetes-models' type declarations, which are upstream's descriptions with their lines: a file for each definition, that names it at
// its end. Kinds' `apiVersion` and `kind` have none there.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Schemas } from '../../internal/api/schema.ts';

/** By definition id, or `id field`. */
export type Texts = ReadonlyMap<string, string>;

export function modelWords(folders: readonly string[], schemas: Schemas): Texts {
  const found = new Map<string, string>();
  for (const folder of folders) {
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (file.endsWith('.d.ts') && !file.startsWith('_schemas')) readDeclaration(readFileSync(join(folder, file), 'utf8'), found);
    }
  }
  const texts = new Map<string, string>();
  for (const id of schemas.ids()) {
    const name = typeName(id);
    for (const field of ['', ...(schemas.get(id)?.fields.keys() ?? [])]) {
      const text = found.get(`${name} ${field}`);
      if (text !== undefined) texts.set(field === '' ? id : `${id} ${field}`, text);
    }
  }
  return texts;
}

/** `io.k8s.api.core.v1.Pod` → `IoK8sApiCoreV1Pod` */
function typeName(id: string): string {
  return id.split(/[.-]/).map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
}

/** `IoK8sApiCoreV1Pod spec`, with nothing after the space for the definition's own. */
function readDeclaration(source: string, texts: Map<string, string>): void {
  const name = / as (IoK8s\w+) \};/.exec(source)?.[1];
  const start = /(?:\/\*\*\n((?: \*[^\n]*\n)*?) \*\/\n)?export (interface|type) I\w+/.exec(source);
  if (name === undefined || start === null) return;
  const [, own, form] = start;
  if (own !== undefined) texts.set(`${name} `, cleaned(own));
  if (form !== 'interface') return;
  const body = source.slice(start.index, source.indexOf('\n}', start.index));
  for (const [, text = '', field = ''] of body.matchAll(/ {4}\/\*\*\n((?: {5}\*[^\n]*\n)*?) {5}\*\/\n {4}"([^"]+)"\??:/g)) texts.set(`${name} ${field}`, cleaned(text));
}

function cleaned(comment: string): string {
  return comment.replaceAll(/^ *\* ?/gm, '').replaceAll(/\\([*/])/g, '$1').replace(/\n$/, '').replace(/\n@deprecated$/, '');
}
