// Names that admission registration has beside those of metadata: DNS-1035 labels and CEL identifiers.
import { regexpWords } from '../../api/names.ts';

const LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_MAX = 63;

export function dns1035Problems(value = ''): string[] {
  return [
    ...(value.length > LABEL_MAX ? [`must be no more than ${String(LABEL_MAX)} characters`] : []),
    ...(LABEL.test(value) ? [] : [regexpWords("a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character", '[a-z]([-a-z0-9]*[a-z0-9])?', ['my-name', 'abc-123'])]),
  ];
}

const RESERVED: ReadonlySet<string> = new Set([
  'true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while',
]);

export function isCelIdentifier(name: string): boolean {
  return /^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) && !RESERVED.has(name);
}
