// YAML as sigs.k8s.io/yaml reads and writes it: YAML 1.1 booleans (yes, on) and octals (0777), merges, JSON's values only, keys made
// strings, times kept as text; one document. js-yaml is loaded at the first use: it costs megabytes that an idle server need not spend.
// Errors are plain Errors whose text names line and column; the caller gives them their status.
import { createRequire } from 'node:module';
import { settled } from './large-integers.ts';

type Library = typeof import('js-yaml');

export interface YamlOptions {
  /** Told of the first key that stands twice in a mapping, in go-yaml's words (the last one counts); without it that is an error. */
  onDuplicate?: (problem: string) => void;
}

/** Upstream's limit of a request body. */
const SIZE_BYTES_MAX = 3 * 1024 * 1024;
const NODES_MAX = 1_000_000;
const TRUE = new Set(['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON']);
const FALSE = new Set(['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF']);
const NULL = new Set(['', '~', 'null', 'Null', 'NULL']);
const INTEGER = /^[-+]?(0x[0-9a-fA-F]+|0b[01]+|0o[0-7]+|0[0-7]*|[1-9][0-9]*)$/;
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;

let loaded: { library: Library; schema: InstanceType<Library['Schema']>; dumped: InstanceType<Library['Schema']> } | undefined;

/** The first document as JSON; an empty text is null. */
export function parseYaml(text: string, options: YamlOptions = {}): unknown {
  if (text.length > SIZE_BYTES_MAX) throw new Error(`yaml: the document is larger than ${String(SIZE_BYTES_MAX)} bytes`);
  const { library, schema } = load();
  const read = (json: boolean, own = text): unknown[] => library.loadAll(own, { schema, json, maxDepth: 1000 });
  const documents = options.onDuplicate === undefined ? read(false) : readTwice(read, text, options.onDuplicate);
  return toJson(documents[0], { left: NODES_MAX, source: text });
}

function readTwice(read: (json: boolean, text?: string) => unknown[], text: string, onDuplicate: (problem: string) => void): unknown[] {
  try {
    return read(false);
  } catch (error) {
    const { reason, mark } = error as { reason?: string; mark?: { line: number } };
    if (reason?.includes('duplicated mapping key') === true && mark !== undefined) onDuplicate(`yaml: unmarshal errors:${duplicatesFrom(read, text, mark.line).map((line) => `\n  ${line}`).join('')}`);
    return read(true);
  }
}

const DUPLICATES_MAX = 50;

/** All of them: the reader stops at the first, so that key is taken out and the text read again. */
function duplicatesFrom(read: (json: boolean, text?: string) => unknown[], text: string, first: number): string[] {
  const lines = text.split('\n');
  const found: string[] = [];
  for (let at: number | undefined = first; at !== undefined && found.length < DUPLICATES_MAX;) {
    const line = lines[at] ?? '';
    const key = KEY.exec(line);
    found.push(`line ${String(at + 1)}: key ${JSON.stringify(key?.[2] ?? key?.[3] ?? key?.[4] ?? '')} already set in map`);
    if (key === null) break;
    lines[at] = `${key[1] ?? ''}"duplicate ${String(at)}"${line.slice(key[0].trimEnd().length - 1)}`;
    at = firstDuplicate(read, lines.join('\n'));
  }
  return found;
}

const KEY = /^([\s-]*)(?:"([^"]*)"|'([^']*)'|([^:]+?))\s*:/;

function firstDuplicate(read: (json: boolean, text?: string) => unknown[], text: string): number | undefined {
  try {
    read(false, text);
  } catch (error) {
    const { reason, mark } = error as { reason?: string; mark?: { line: number } };
    return reason?.includes('duplicated mapping key') === true ? mark?.line : undefined;
  }
  return undefined;
}

/** Block style, keys sorted as sigs.k8s.io/yaml sorts them, lists not indented, strings quoted where YAML 1.1 would read something else. */
export function formatYaml(value: unknown): string {
  const { library, dumped } = load();
  return library.dump(value, { schema: dumped, sortKeys: true, seqNoIndent: true, lineWidth: -1, noRefs: true, quoteStyle: 'double', skipInvalid: true });
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
  // Read as a text first: the library's own tag for whole numbers comes later, and knows none beyond 2^53.
  const large = defineScalarTag('tag:yaml.org,2002:int', { implicit: true, resolve: (source) => (parseInteger(source) ?? NOT_RESOLVED) as never, identify: (value: unknown) => typeof value === 'bigint' || Number.isInteger(value) });
  return { library, schema, dumped: library.DUMP_SCHEMA.withTags(large) };
}

function parseInteger(source: string): number | bigint | undefined {
  const plain = source.replaceAll('_', '');
  const [, digits = ''] = INTEGER.exec(plain) ?? [];
  if (digits === '') return undefined;
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  return settled(plain.startsWith('-') ? -value : value);
}

function parseFloatText(source: string): number | undefined {
  const plain = source.replaceAll('_', '');
  if (!FLOAT.test(plain)) return undefined;
  const value = Number(plain);
  return Number.isFinite(value) ? value : undefined;
}

// Aliases share subtrees; copying them out makes plain JSON, and the budget stops what would explode.
function toJson(value: unknown, budget: { left: number; source: string }): unknown {
  if (--budget.left < 0) throw new Error('yaml: document contains excessive aliasing');
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return whole(value, budget.source);
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => toJson(item, budget));
  const result: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) {
    Object.defineProperty(result, whole(key, budget.source), { value: toJson(child, budget), enumerable: true, writable: true, configurable: true });
  }
  return result;
}

/**
 * Half a character (`"\\ud800"`) is none that any other form could hold; and two halves, each written as one, are no character either in YAML. Where a
 * character stands neither as it is nor by its whole number, it was written so.
 */
function whole(text: string, source: string): string {
  const halves = !text.isWellFormed() || (text.match(ASTRAL) ?? []).some((letter) => !source.includes(letter) && !source.toUpperCase().includes(`\\U${codeOf(letter)}`));
  if (!halves) return text;
  const before = source.slice(0, Math.max(0, source.search(/\\u[dD][89a-fA-F]/)));
  throw new Error(`yaml: line ${String(before.split('\n').length)}: found invalid Unicode character escape code`);
}

const ASTRAL = /[\u{10000}-\u{10ffff}]/gu;

function codeOf(letter: string): string {
  return (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(8, '0');
}
