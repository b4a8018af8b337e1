// The comments of @kubernetes/client-node's type declarations, which its generator made from upstream's document: newlines became spaces, quotes are
// escaped, and a field that is an object has lost its own. Parameters are told nowhere else.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Schemas } from '../../internal/api/schema.ts';
import type { Texts } from './models.ts';

/** Of the fields that every kind has. */
export function clientWords(folder: string, schemas: Schemas): Texts {
  const texts = new Map<string, string>();
  for (const id of schemas.ids()) {
    const source = modelOf(folder, id);
    for (const field of ['apiVersion', 'kind']) {
      const text = commentOf(source, field);
      if (text !== undefined && schemas.get(id)?.fields.has(field) === true) texts.set(`${id} ${field}`, text);
    }
  }
  return texts;
}

/** `io.k8s.api.core.v1.Event` is CoreV1Event there, or V1Event. */
function modelOf(folder: string, id: string): string {
  const [group = '', version = '', name = ''] = id.split('.').slice(-3);
  const path = [`${capital(group)}${capital(version)}${name}`, `${capital(version)}${name}`].map((model) => join(folder, 'dist/gen/models', `${model}.d.ts`)).find((one) => existsSync(one));
  return path === undefined ? '' : readFileSync(path, 'utf8');
}

function commentOf(source: string, field: string): string | undefined {
  const text = new RegExp(` {4}/\\*\\*\\n {4}\\* ([^\\n]*)\\n {4}\\*/\\n {4}'${field}'\\??:`).exec(source)?.[1];
  return text === undefined ? undefined : unescaped(text);
}

/** `name TAB use` → text, as internal/api/openapi-parameters.ts asks for them: each from one operation that has it. */
export function parameterWords(folder: string): Texts {
  const source = readFileSync(join(folder, 'dist/gen/types/ObjectParamAPI.d.ts'), 'utf8');
  const texts = new Map<string, string>();
  for (const [operation, use, only] of OPERATIONS) {
    const start = source.indexOf(`export interface ${operation}Request {`);
    if (start < 0) throw new Error(`@kubernetes/client-node has no ${operation}`);
    const block = source.slice(start, source.indexOf('\n}', start));
    for (const [, text = '', name = ''] of block.matchAll(/ {4}\/\*\*\n {5}\* ([^\n]*)\n(?: {5}\*[^\n]*\n)*? {5}\*\/\n {4}(\w+)\??:/g)) {
      if (['body', 'name'].includes(name) || (only !== undefined && !only.includes(name))) continue;
      texts.set(`${name.replace(/^_/, '')}\t${use}`, unescaped(text));
    }
  }
  return texts;
}

const OPERATIONS: readonly (readonly [operation: string, use: string, only?: readonly string[]])[] = [
  ['CoreV1ApiListNamespacedPod', ''],
  ['CoreV1ApiDeleteNamespacedPod', ''],
  ['CoreV1ApiReplaceNamespacedPod', ''],
  ['CoreV1ApiPatchNamespacedPod', '', ['force']],
  ['CoreV1ApiPatchNamespacedPod', 'patch', ['fieldManager']],
  ['CoreV1ApiReadNamespacedPodLog', 'log'],
  ['CoreV1ApiConnectGetNamespacedPodExec', 'exec'],
  ['CoreV1ApiConnectGetNamespacedPodAttach', 'attach'],
  ['CoreV1ApiConnectGetNamespacedPodPortforward', 'portforward'],
  ['CoreV1ApiConnectGetNamespacedPodProxy', 'pods', ['path']],
  ['CoreV1ApiConnectGetNamespacedServiceProxy', 'services', ['path']],
  ['CoreV1ApiConnectGetNodeProxy', 'nodes', ['path']],
  ['CoreV1ApiConnectGetNodeProxyWithPath', 'any', ['path']],
];

function unescaped(text: string): string {
  return text
    .replaceAll(/\\?&#(x?)([0-9a-fA-F]+);/g, (_, hex: string, code: string) => String.fromCharCode(Number.parseInt(code, hex === '' ? 10 : 16)))
    .replaceAll(/\\?&(quot|amp|lt|gt);/g, (_, name: string) => ENTITIES[name] ?? '')
    .replaceAll(/\\(['"\\])/g, '$1').replaceAll('*_/', '*/').replaceAll('/_*', '/*');
}

const ENTITIES: Readonly<Record<string, string>> = { quot: '"', amp: '&', lt: '<', gt: '>' };

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
