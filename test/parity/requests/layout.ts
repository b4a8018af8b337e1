// JSON is indented for people: where they ask for it, and where the program that asks is one with which they read.
import type { Row } from '../exchange.ts';
import { configMap, get, METADATA, NS, post, TABLE } from '../rows.ts';

const CM = `${NS}/configmaps`;
const PATHS: Readonly<Record<string, string>> = { 'object': `${CM}/laid`, 'list': `${CM}?labelSelector=laid`, 'nothing': `${CM}/none`, 'version': '/version', 'root': '/', 'api': '/api', 'apis': '/apis', 'group': '/apis/apps', 'resources': '/apis/apps/v1', 'unknown path': '/nonsense', 'unknown group': '/apis/nonsense/v1', 'issuer': '/.well-known/openid-configuration' };
const READERS = ['curl/8.5.0', 'Wget/1.21', 'Mozilla/5.0 (X11)', 'kubectl/v1.36', 'xcurl'];
const told = (row: Row): Row => ({ ...row, layout: true });
const by = (path: string, separator: '?' | '&', word: string): string => `${path}${path.includes('?') ? '&' : separator}pretty=${word}`;

export const LAYOUT: readonly Row[] = [
  post('layout: object', CM, configMap('laid', { a: '1' }, { labels: { laid: '{ns}' } })),
  ...Object.entries(PATHS).flatMap(([name, path]) => READERS.map((reader) => told(get(`layout: ${name} by ${reader}`, path, { headers: { 'user-agent': reader } })))),
  ...['1', 'true', 'TRUE', 't', 'x', '0', 'false', ''].flatMap((word) => ['object', 'list', 'nothing', 'group'].map((name) => told(get(`layout: ${name} with ${word || 'nothing'}`, by(PATHS[name] ?? '', '?', word))))),
  told(get('layout: not asked for by curl', `${CM}/laid?pretty=0`, { headers: { 'user-agent': 'curl/8' } })),
  told(get('layout: table by curl', CM, { accept: TABLE, headers: { 'user-agent': 'curl/8' } })),
  told(get('layout: metadata by curl', `${CM}/laid`, { accept: METADATA, headers: { 'user-agent': 'curl/8' } })),
  told(get('layout: by accept', `${CM}/laid`, { accept: 'application/json;pretty=1' })),
  told(get('layout: by accept, but curl says no', `${CM}/laid?pretty=0`, { accept: 'application/json;pretty=1' })),
  told(get('layout: watch by curl', `${CM}?watch=1&timeoutSeconds=1&labelSelector=laid`, { headers: { 'user-agent': 'curl/8' } })),
  told(get('layout: yaml by curl', `${CM}/laid`, { accept: 'application/yaml', headers: { 'user-agent': 'curl/8' } })),
  told(post('layout: created by curl', `${CM}?dryRun=All`, configMap('x'), { headers: { 'user-agent': 'curl/8' } })),
  told(get('layout: forbidden to curl', CM, { as: 'nobody', headers: { 'user-agent': 'curl/8' } })),
  told(get('layout: unauthorized curl', CM, { as: 'anonymous', headers: { 'user-agent': 'curl/8', authorization: 'Bearer x' } })),
];
