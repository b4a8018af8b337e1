// Values as Go reads and writes them, where error texts and patterns show it.

/** As %v writes a float64. */
export function goNumber(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return Math.abs(value) >= 1e21 || (value !== 0 && Math.abs(value) < 1e-4) ? exponential(value) : text;
  return exponential(value);
}

function exponential(value: number): string {
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

const compiled = new Map<string, RegExp | undefined>();
const COMPILED_MAX = 500;

/** Whether the text matches a pattern in Go's syntax (RE2), which JavaScript's comes close to. A pattern that cannot be read matches nothing. */
export function matches(pattern: string, text: string): boolean {
  return patternOf(pattern)?.test(text) ?? false;
}

export function patternOf(pattern: string): RegExp | undefined {
  if (compiled.has(pattern)) return compiled.get(pattern);
  if (compiled.size >= COMPILED_MAX) compiled.clear();
  const regexp = compile(pattern);
  compiled.set(pattern, regexp);
  return regexp;
}

const POSIX: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9', alpha: 'A-Za-z', ascii: '\\x00-\\x7F', blank: '\\t ', cntrl: '\\x00-\\x1F\\x7F', digit: '0-9', graph: '!-~', lower: 'a-z', print: ' -~',
  punct: '!-\\/:-@\\[-`{-~', space: '\\t\\n\\v\\f\\r ', upper: 'A-Z', word: '0-9A-Za-z_', xdigit: '0-9A-Fa-f',
};

function compile(pattern: string): RegExp | undefined {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const source = pattern.slice(flags?.[0].length ?? 0)
    .replaceAll(/\[:(\w+):\]/g, (whole, name: string) => POSIX[name] ?? whole)
    .replaceAll('(?P<', '(?<').replaceAll('\\z', '$').replaceAll('\\A', '^');
  for (const mode of ['u', '']) {
    try {
      return new RegExp(source, (flags?.[1] ?? '') + mode);
    } catch {
      continue; // not every escape that Go takes is one in Unicode mode
    }
  }
  return undefined;
}
