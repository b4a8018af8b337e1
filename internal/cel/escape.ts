// Names of fields that are no CEL identifiers, in Kubernetes' writing: `foo-bar` is `foo__dash__bar`, `namespace` is `__namespace__`.

const WORDS = new Set([
  'true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while',
]);
const SIGNS: Readonly<Record<string, string>> = { __: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' };
const NAMES: Readonly<Record<string, string>> = { underscores: '__', dot: '.', dash: '-', slash: '/' };

/** undefined where the name cannot be said in CEL. */
export function escapeIdentifier(name: string): string | undefined {
  if (WORDS.has(name)) return `__${name}__`;
  if (/^[A-Za-z][A-Za-z0-9]*$/.test(name)) return name;
  if (name === '' || /^\d|[^A-Za-z0-9_./-]/.test(name)) return undefined;
  return name.replaceAll(/__|[-./]/g, (sign) => SIGNS[sign] ?? sign);
}

/** undefined where the text holds an escape that is none. */
export function unescapeIdentifier(escaped: string): string | undefined {
  if (!escaped.includes('__')) return escaped;
  let valid = true;
  const name = escaped.replaceAll(/__[^_]+__/g, (part) => {
    const word = part.slice(2, -2);
    const sign = NAMES[word];
    if (sign !== undefined) return sign;
    if (!WORDS.has(word) || part.length !== escaped.length) valid = false;
    return word;
  });
  return valid ? name : undefined;
}
