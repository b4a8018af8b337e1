// YAML as sigs.k8s.io/yaml reads and writes it: YAML 1.1 booleans (yes, on) and octals (0777), merges, JSON's values only, keys made
// strings, times kept as text; one document. js-yaml is loaded at the first use: it costs megabytes that an idle server need not spend.
// Errors are plain Errors whose text names line and column; the caller gives them their status.
import { createRequire } from 'node:module';

type Library = typeof import('js-yaml');

export interface YamlOptions {
  /** Longer input is refused. Default 3 MiB, upstream's limit of a request body. */
  sizeBytesMax?: number;
  /** Told the keys that stand twice in a mapping (the last one counts); without it they are an error. */
  onDuplicate?: (key: string) => void;
}

const SIZE_BYTES_MAX = 3 * 1024 * 1024;
const NODES_MAX = 1_000_000;
const TRUE = new Set(['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON']);
const FALSE = new Set(['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF']);
const NULL = new Set(['', '~', 'null', 'Null', 'NULL']);
const INTEGER = /^[-+]?(0x[0-9a-fA-F]+|0b[01]+|0o[0-7]+|0[0-7]*|[1-9][0-9]*)$/;
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;

let loaded: { library: Library; schema: InstanceType<Library['Schema']> } | undefined;

/** The first document as JSON; an empty text is null. */
export function parseYaml(text: string, options: YamlOptions = {}): unknown {
  const sizeMax = options.sizeBytesMax ?? SIZE_BYTES_MAX;
  if (text.length > sizeMax) throw new Error(`yaml: the document is larger than ${String(sizeMax)} bytes`);
  const { library, schema } = load();
  const documents = library.loadAll(text, { schema, json: options.onDuplicate !== undefined, maxDepth: 1000 });
  return toJson(documents[0], { left: NODES_MAX });
}

/** Block style, keys sorted as sigs.k8s.io/yaml sorts them, lists not indented, strings quoted where YAML 1.1 would read something else. */
export function formatYaml(value: unknown): string {
  return load().library.dump(value, { sortKeys: true, seqNoIndent: true, lineWidth: -1, noRefs: true, skipInvalid: true });
}

function load(): NonNullable<typeof loaded> {
  return (loaded ??= prepare(loadLibrary()));
}

// `require` is the bundle's own in the executable, and Node's where the source runs as it is.
function loadLibrary(): Library {
  if (typeof require === 'function') return require('js-yaml') as Library;
  return createRequire(import.meta.url)('js-yaml') as Library;
}

function prepare(library: Library): NonNullable<typeof loaded> {
  const { NOT_RESOLVED, defineScalarTag } = library;
  const never = (): boolean => false;
  const tag = (name: string, resolve: (source: string) => unknown): ReturnType<typeof defineScalarTag> =>
    defineScalarTag(`tag:yaml.org,2002:${name}`, { implicit: true, resolve: (source) => resolve(source) as never, identify: never });
  const schema = library.FAILSAFE_SCHEMA.withTags(
    tag('null', (source) => (NULL.has(source) ? null : NOT_RESOLVED)),
    tag('bool', (source) => (TRUE.has(source) ? true : FALSE.has(source) ? false : NOT_RESOLVED)),
    tag('int', (source) => parseInteger(source) ?? NOT_RESOLVED),
    tag('float', (source) => parseFloatText(source) ?? NOT_RESOLVED),
    library.mergeTag,
  );
  return { library, schema };
}

function parseInteger(source: string): number | undefined {
  const plain = source.replaceAll('_', '');
  const [, digits = ''] = INTEGER.exec(plain) ?? [];
  if (digits === '') return undefined;
  const sign = plain.startsWith('-') ? -1 : 1;
  return sign * Number(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
}

function parseFloatText(source: string): number | undefined {
  const plain = source.replaceAll('_', '');
  if (!FLOAT.test(plain)) return undefined;
  const value = Number(plain);
  return Number.isFinite(value) ? value : undefined;
}

// Aliases share subtrees; copying them out makes plain JSON, and the budget stops what would explode.
function toJson(value: unknown, budget: { left: number }): unknown {
  if (--budget.left < 0) throw new Error('yaml: document contains excessive aliasing');
  if (value === undefined || value === null) return null;
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => toJson(item, budget));
  const result: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) {
    Object.defineProperty(result, key, { value: toJson(child, budget), enumerable: true, writable: true, configurable: true });
  }
  return result;
}
