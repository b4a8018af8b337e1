// What a fuzzer does to good requests: values of an object changed, text and bytes broken. Chance is given, so that a seed repeats a run.

export type Chance = () => number;
type Members = Record<string, unknown>;

export function pick<T>(from: readonly T[], chance: Chance): T {
  return from[Math.floor(chance() * from.length)] as T;
}

const deep = (depth: number): unknown => JSON.parse(`${'{"a":['.repeat(depth)}1${']}'.repeat(depth)}`);

const STRANGE: readonly (() => unknown)[] = [
  () => null, () => '', () => 0, () => -1, () => -0, () => 1.5, () => 2 ** 31, () => 2 ** 53, () => 9007199254740993n, () => 9223372036854775807n, () => -(2n ** 63n), () => -(2 ** 63), () => 1e308, () => true, () => [], () => ({}), () => [null], () => [[]], () => [{}], () => ({ '': '' }), () => 'x'.repeat(5000),
  () => '\u0000', () => '\ud800', () => '\u2028é💥', () => '../..', () => '%2e%2e%2f', () => '__proto__', () => 'constructor', () => '0', () => '1e9999', () => '-5Gi', () => '1e-300', () => '99999999999999999999Ei', () => '2026-01-01T00:00:00Z', () => '0001-01-01T00:00:00Z', () => '999999-99-99',
  () => JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toString":1,"hasOwnProperty":null}') as unknown,
  () => deep(50), () => deep(600), () => ({ $patch: 'delete' }), () => [{ $patch: 'replace' }], () => ({ matchExpressions: [{ key: 'a', operator: 'In' }] }), () => Array.from({ length: 300 }, (_, index) => ({ name: `n${String(index)}` })),
];

/** A copy in which one place, or a few, hold something else. */
export function mutated(object: unknown, chance: Chance): unknown {
  const copy = structuredClone(object);
  for (let times = 1 + Math.floor(chance() * 3); times > 0; times--) mutateOnce(copy, chance);
  return copy;
}

function mutateOnce(root: unknown, chance: Chance): void {
  let at = root;
  for (;;) {
    if (typeof at !== 'object' || at === null) return;
    const keys = Object.keys(at);
    const key = keys.length === 0 ? 'new' : pick(keys, chance);
    const below = (at as Members)[key];
    if (typeof below === 'object' && below !== null && chance() < 0.75) at = below;
    else return change(at as Members, key, chance);
  }
}

function change(parent: Members, key: string, chance: Chance): void {
  const way = chance();
  if (way < 0.15) delete parent[key];
  else if (way < 0.25 && Array.isArray(parent)) parent.push(structuredClone(parent[Number(key)]));
  else if (way < 0.3) define(parent, pick(['__proto__', 'constructor', '', 'unknown', 'a/b', '~1'], chance), parent[key]);
  else if (way < 0.4) parent[key] = parent[pick(Object.keys(parent).concat(key), chance)];
  else parent[key] = pick(STRANGE, chance)();
}

function define(parent: Members, name: string, value: unknown): void {
  Object.defineProperty(parent, name, { value, enumerable: true, writable: true, configurable: true });
}

const TEXTS = ['1e400', '-1e400', '12345678901234567890123', '0.1e-400', '01', 'NaN', 'null', '""', '"\\ud800"', '"\\u0000"', '[', '{', '}', ']', ',', ':', '"', '\\', '\u0000', '\ufeff', '*a', '&a', '!!binary', '---\n', '<<: *a', '{"a":1,"a":2}', `${'['.repeat(20_000)}`, '\t', '|', '>', '"\u2028"'];
const BYTES = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf8, 0x88], [0], [0x80], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], [0x0a, 0xff, 0xff, 0xff, 0x7f], [0x0b], [0x0c], [0x08]];

/** Bytes cut, doubled, changed, or with others put between. */
export function broken(bytes: Uint8Array, chance: Chance): Buffer {
  const at = Math.floor(chance() * bytes.length);
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
  const way = chance();
  if (way < 0.15) return Buffer.from(head);
  if (way < 0.3) return Buffer.concat([head, tail.subarray(1 + Math.floor(chance() * 8))]);
  if (way < 0.4) return Buffer.concat([head, tail.subarray(0, 200), tail]);
  if (way < 0.6) return Buffer.concat([head, Buffer.from(pick(BYTES, chance)), tail.subarray(1)]);
  if (way < 0.75) return Buffer.concat([head, Buffer.from([Math.floor(chance() * 256)]), tail.subarray(1)]);
  return Buffer.concat([head, Buffer.from(pick(TEXTS, chance)), tail]);
}

/** A word of the text, a number or a string, replaced. */
export function retold(text: string, chance: Chance): string {
  const words = [...text.matchAll(/"[^"]{0,40}"|-?\d+|true|false|null/g)];
  const word = words[Math.floor(chance() * words.length)];
  return word === undefined ? pick(TEXTS, chance) : text.slice(0, word.index) + pick(TEXTS, chance) + text.slice(word.index + word[0].length);
}

const QUERIES = [
  'fieldValidation=Strict', 'fieldValidation=Warn', 'fieldValidation=Ignore', 'fieldValidation=x', 'dryRun=All', 'dryRun=x', 'fieldManager=f', `fieldManager=${'x'.repeat(200)}`, 'fieldManager=%00', 'force=true', 'force=maybe', 'limit=1', 'limit=-1', 'limit=99999999999999999999', 'limit=x',
  'continue=x', 'continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0', 'resourceVersion=0', 'resourceVersion=1', 'resourceVersion=-1', 'resourceVersion=x', 'resourceVersion=999999999999', 'resourceVersionMatch=Exact', 'resourceVersionMatch=NotOlderThan', 'resourceVersionMatch=x',
  'labelSelector=a', 'labelSelector=a%3Db', 'labelSelector=a+in+(', 'labelSelector=!', 'labelSelector=a+notin+(b,c),!d', 'labelSelector=%00', 'labelSelector=%ff', 'fieldSelector=metadata.name%3Dx', 'fieldSelector=spec.x%3Dy', 'fieldSelector=%3D', 'fieldSelector=a%5C', 'fieldSelector=__proto__%3D1',
  'watch=1&timeoutSeconds=1', 'watch=x&timeoutSeconds=1', 'watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan', 'watch=1&timeoutSeconds=1&resourceVersion=1', 'timeoutSeconds=-1', 'timeoutSeconds=x', 'timeout=1ns', 'timeout=x', 'allowWatchBookmarks=true',
  'gracePeriodSeconds=0', 'gracePeriodSeconds=-9', 'gracePeriodSeconds=x', 'propagationPolicy=Foreground', 'propagationPolicy=x', 'orphanDependents=x', 'pretty=1', 'pretty=x', 'includeObject=Object', 'includeObject=x', '__proto__=1', 'a=%', '&&==', 'exact=x', 'preconditions=1',
] as const;

export function queryOf(chance: Chance): string {
  if (chance() < 0.75) return '';
  return `?${Array.from({ length: 1 + Math.floor(chance() * 3) }, () => pick(QUERIES, chance)).join('&')}`;
}

const SEGMENTS = ['', '..', '.', '%2e%2e', '%00', '%ff', '%', 'x', 'status', 'scale', 'log', 'exec', 'watch', 'namespaces', 'default', '__proto__', 'constructor', 'toString', 'v1', 'v1beta1', 'api', 'apis', 'pods', '*', 'x'.repeat(300), 'ä', 'a b'.replace(' ', '%20'), 'eviction', 'binding', 'token', 'proxy', 'finalize', 'approval', 'ephemeralcontainers', 'resize', 'a:b'];

export function strayed(path: string, chance: Chance): string {
  const parts = path.split('/');
  const at = 1 + Math.floor(chance() * parts.length);
  if (chance() < 0.5) parts.splice(at, 0, pick(SEGMENTS, chance));
  else parts.splice(at, 1, pick(SEGMENTS, chance));
  return parts.join('/') || '/';
}

export const ACCEPTS = [
  'application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'application/json;as=Table;v=v1;g=meta.k8s.io', 'application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io', 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', 'application/json;as=Table;v=v9;g=x', '*/*', 'application/*', 'text/html', '', ';;;', ',', 'application/json;q=x', 'application/json;as=', 'a/b/c', 'application/cbor', 'application/json;stream=watch',
] as const;
export function acceptOf(chance: Chance): string {
  return chance() < 0.7 ? 'application/json' : pick(ACCEPTS, chance);
}

const HEADERS: readonly Record<string, string>[] = [
  { 'content-encoding': 'gzip' }, { 'content-encoding': 'x' }, { 'impersonate-user': 'x' }, { 'impersonate-group': 'x' }, { 'impersonate-user': 'a', 'impersonate-extra-%zz': 'b' }, { 'user-agent': '' }, { 'user-agent': 'x'.repeat(3000) }, { 'user-agent': '\u00ff/\u00fe' }, { 'if-none-match': '"x"' },
  { 'accept-encoding': 'gzip' }, { 'accept-encoding': 'gzip;q=x' }, { 'x-remote-user': 'x' }, { expect: '100-continue' }, { range: 'bytes=0-1' }, { 'audit-id': 'x\u00ff' }, { 'content-length': 'x' }, { cookie: '__proto__=1' }, { 'kubectl-command': 'x' }, { 'x-forwarded-for': 'x, y' },
];

export function headersOf(chance: Chance): Record<string, string> {
  return chance() < 0.8 ? {} : pick(HEADERS, chance);
}
