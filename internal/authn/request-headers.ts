// Header lines as they came. Node joins lines of one name with a comma, which groups' names may hold themselves (`CN=a, DC=b`).

/** Name and value by turns, as `rawHeaders` of both HTTP versions are. */
export type RawHeaders = readonly string[];

/** Every value of the name, in order; empty lines are left out. */
export function headerValues(headers: RawHeaders, name: string): string[] {
  return pairsOf(headers).filter(([key, value]) => key === name && value !== '').map(([, value]) => value);
}

/** What stands behind names with this prefix, which are %-encoded: `x-remote-extra-scopes` → scopes. */
export function prefixedHeaders(headers: RawHeaders, prefix: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const [name, value] of pairsOf(headers)) {
    if (!name.startsWith(prefix)) continue;
    const key = decoded(name.slice(prefix.length));
    (found[key] ??= []).push(value);
  }
  return found;
}

function pairsOf(headers: RawHeaders): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) pairs.push([(headers[index] ?? '').toLowerCase(), headers[index + 1] ?? '']);
  return pairs;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // kept as it is rather than lost
  }
}
