// `$(NAME)` references in env values, command, args and subPathExpr: `$$` is a dollar sign; what cannot be resolved stays as written.

export function expand(text: string, lookup: (name: string) => string | undefined): string {
  let result = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    const next = text.charAt(at + 1);
    if (char !== '$' || next === '') {
      result += char;
    } else if (next === '$') {
      result += '$';
      at++;
    } else if (next === '(') {
      const end = text.indexOf(')', at + 2);
      if (end < 0) {
        result += '$(';
        at++;
      } else {
        const name = text.slice(at + 2, end);
        result += lookup(name) ?? `$(${name})`;
        at = end;
      }
    } else {
      result += `$${next}`;
      at++;
    }
  }
  return result;
}

/** Names that a text refers to and that have no value. subPathExpr must have none. */
export function unresolved(text: string, lookup: (name: string) => string | undefined): string[] {
  const missing: string[] = [];
  expand(text, (name) => {
    const value = lookup(name);
    if (value === undefined) missing.push(name);
    return value;
  });
  return missing;
}
