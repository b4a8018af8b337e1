// Strings: the standard library's tests and cel-go's strings extension, version 2, which Kubernetes uses. Positions count code points.
import { refuseBeyond, TRAVERSAL } from '../call-cost.ts';
import { EvaluationError } from '../cel-error.ts';
import type { Definition } from '../function.ts';
import { formatKey } from '../attribute.ts';
import type { Int } from '../scalar.ts';
import { ListValue } from '../value.ts';
import { formatText } from './string-format.ts';
import { compileRegex } from './regex.ts';

export function stringLibrary(): Definition[] {
  return [
    ['contains', 'contains_string', 'string.(string) bool', (text: string, part: string) => text.includes(part)],
    ['endsWith', 'ends_with_string', 'string.(string) bool', (text: string, end: string) => text.endsWith(end)],
    ['startsWith', 'starts_with_string', 'string.(string) bool', (text: string, start: string) => text.startsWith(start)],
    ['matches', 'matches', '(string, string) bool', matches], ['matches', 'matches_string', 'string.(string) bool', matches],
    ['charAt', 'string_char_at_int', 'string.(int) string', charAt],
    ['indexOf', 'string_index_of_string', 'string.(string) int', (text: string, part: string) => indexOf(text, part, 0)],
    ['indexOf', 'string_index_of_string_int', 'string.(string, int) int', indexOf],
    ['lastIndexOf', 'string_last_index_of_string', 'string.(string) int', lastIndex],
    ['lastIndexOf', 'string_last_index_of_string_int', 'string.(string, int) int', lastIndexFrom],
    ['lowerAscii', 'string_lower_ascii', 'string.() string', (text: string) => text.replaceAll(/[A-Z]+/g, (part) => part.toLowerCase())],
    ['upperAscii', 'string_upper_ascii', 'string.() string', (text: string) => text.replaceAll(/[a-z]+/g, (part) => part.toUpperCase())],
    ['replace', 'string_replace_string_string', 'string.(string, string) string', (text: string, old: string, fresh: string) => replace(text, old, fresh, -1)],
    ['replace', 'string_replace_string_string_int', 'string.(string, string, int) string', replace],
    ['split', 'string_split_string', 'string.(string) list(string)', (text: string, separator: string) => split(text, separator, -1)],
    ['split', 'string_split_string_int', 'string.(string, int) list(string)', split],
    ['substring', 'string_substring_int', 'string.(int) string', (text: string, start: Int) => substring(text, start)],
    ['substring', 'string_substring_int_int', 'string.(int, int) string', substring],
    ['trim', 'string_trim', 'string.() string', (text: string) => text.replaceAll(/^[\s\u0085]+|[\s\u0085]+$/g, '')],
    ['format', 'string_format', 'string.(list(dyn)) string', formatText],
    ['strings.quote', 'strings_quote', '(string) string', quote],
    ['join', 'list_join', 'list(string).() string', (list: ListValue) => join(list, '')], ['join', 'list_join_string', 'list(string).(string) string', join],
  ];
}

function matches(text: string, pattern: string): boolean {
  return compileRegex(pattern).test(text);
}

// Code points; most strings have one to a unit.
function points(text: string): string[] | string {
  return /[\ud800-\udfff]/.test(text) ? Array.from(text) : text;
}

function slice(text: string | string[], start: number, end?: number): string {
  const part = text.slice(start, end);
  return typeof part === 'string' ? part : part.join('');
}

function outOfRange(index: Int): EvaluationError {
  return new EvaluationError(`index out of range: ${String(index)}`);
}

function charAt(text: string, index: Int): string {
  const letters = points(text);
  if (index < 0 || index > letters.length) throw outOfRange(index);
  return letters[Number(index)] ?? '';
}

function indexOf(text: string, part: string, offset: Int): Int {
  if (part === '') return offset;
  if (offset < 0) throw outOfRange(offset);
  const letters = points(text);
  if (offset >= letters.length) return -1;
  if (typeof letters === 'string') return letters.indexOf(part, Number(offset));
  const from = slice(letters, 0, Number(offset)).length;
  const found = text.indexOf(part, from);
  return found < 0 ? -1 : Array.from(text.slice(0, found)).length;
}

function lastIndex(text: string, part: string): Int {
  const { length } = points(text);
  if (part === '') return length;
  return Buffer.byteLength(text) < Buffer.byteLength(part) ? -1 : lastIndexFrom(text, part, length - 1);
}

function lastIndexFrom(text: string, part: string, offset: Int): Int {
  if (part === '') return offset;
  if (offset < 0) throw outOfRange(offset);
  const letters = points(text);
  if (offset >= letters.length) return -1;
  if (typeof letters === 'string') return letters.lastIndexOf(part, Number(offset));
  const found = text.lastIndexOf(part, slice(letters, 0, Number(offset)).length);
  return found < 0 ? -1 : Array.from(text.slice(0, found)).length;
}

function replace(text: string, old: string, fresh: string, count: Int): string {
  if (count < 0) return old === '' ? replaceEmpty(text, fresh, Number.POSITIVE_INFINITY) : text.split(old).join(fresh);
  if (old === '') return replaceEmpty(text, fresh, Number(count));
  const parts = text.split(old);
  const done = Math.min(Number(count), parts.length - 1);
  return [parts.slice(0, done + 1).join(fresh), ...parts.slice(done + 1)].join(old);
}

// Go puts the new text before every letter and at the end.
function replaceEmpty(text: string, fresh: string, count: number): string {
  let left = count;
  let result = '';
  for (const letter of text) result += (left-- > 0 ? fresh : '') + letter;
  return result + (left > 0 ? fresh : '');
}

function split(text: string, separator: string, count: Int): ListValue {
  const limit = Number(count);
  if (limit === 0) return ListValue.of([]);
  const parts = separator === '' ? Array.from(text) : text.split(separator);
  if (limit < 0 || parts.length <= limit) return ListValue.of(parts);
  return ListValue.of([...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)]);
}

function substring(text: string, start: Int, end?: Int): string {
  const letters = points(text);
  if (end !== undefined && start > end) throw new EvaluationError(`invalid substring range. start: ${String(start)}, end: ${String(end)}`);
  if (start < 0 || start > letters.length) throw outOfRange(start);
  if (end !== undefined && (end < 0 || end > letters.length)) throw outOfRange(end);
  return slice(letters, Number(start), end === undefined ? undefined : Number(end));
}

function quote(text: string): string {
  const escapes: Readonly<Record<string, string>> = { '\x07': 'a', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't', '\v': 'v', '\\': '\\', '"': '"' };
  return `"${text.toWellFormed().replaceAll(/[\x07\b\f\n\r\t\v\\"]/g, (sign) => `\\${escapes[sign] ?? ''}`)}"`;
}

function join(list: ListValue, separator: string): string {
  let length = 0;
  const parts = list.toArray().map((item) => {
    if (typeof item !== 'string') throw new EvaluationError(`join: invalid input: ${formatKey(item)}`);
    length += item.length + separator.length;
    return item;
  });
  // Code points are at least half as many as units.
  refuseBeyond((length / 2) * 2 * TRAVERSAL);
  return parts.join(separator);
}
