// The names Kubernetes allows, with upstream's words for those it does not (apimachinery pkg/util/validation, pkg/api/validate/content).
// Each check gives the list of what is wrong: empty when nothing is.

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const CONFIG_KEY = '[-._a-zA-Z0-9]+';

type Unit = 'bytes' | 'characters';

interface Shape {
  max: number;
  regexp: RegExp;
  words: string;
}

const whole = (pattern: string): RegExp => new RegExp(`^${pattern}$`);

const LABEL_SHAPE: Shape = {
  max: 63,
  regexp: whole(LABEL),
  words: regexpWords("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character", LABEL, ['my-name', '123-abc']),
};
const SUBDOMAIN_SHAPE: Shape = {
  max: 253,
  regexp: whole(SUBDOMAIN),
  words: regexpWords("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character", SUBDOMAIN, ['example.com']),
};
const LABEL_VALUE_SHAPE: Shape = {
  max: 63,
  regexp: whole(`(${QUALIFIED})?`),
  words: regexpWords("a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", `(${QUALIFIED})?`, ['MyValue', 'my_value', '12345']),
};
const CONFIG_KEY_SHAPE: Shape = {
  max: 253,
  regexp: whole(CONFIG_KEY),
  words: regexpWords("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", CONFIG_KEY, ['key.name', 'KEY_NAME', 'key-name']),
};
const QUALIFIED_SHAPE: Shape = {
  max: 63,
  regexp: whole(QUALIFIED),
  words: regexpWords("must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", QUALIFIED, ['MyName', 'my.name', '123-abc']),
};

export function subdomainProblems(value = ''): string[] {
  return problemsOf(value, SUBDOMAIN_SHAPE);
}

export function dnsLabelProblems(value = ''): string[] {
  return problemsOf(value, SUBDOMAIN_SHAPE.regexp.test(value) ? { ...LABEL_SHAPE, words: 'must not contain dots' } : LABEL_SHAPE);
}

/** A label key, an annotation key (lower-cased by the caller), a taint key, a resource name: `[prefix.example.com/]name`. */
export function labelKeyProblems(key = ''): string[] {
  const parts = key.split('/');
  if (parts.length > 2) return [`a valid label key ${QUALIFIED_SHAPE.words} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const [prefix, name = ''] = parts.length === 2 ? parts : [undefined, key];
  const ofPrefix = prefix === '' ? ['must be non-empty'] : prefix === undefined ? [] : problemsOf(prefix, SUBDOMAIN_SHAPE, 'bytes');
  const ofName = [...(name === '' ? ['must be non-empty'] : []), ...problemsOf(name, QUALIFIED_SHAPE, 'bytes')];
  return [...ofPrefix.map((problem) => `prefix part ${problem}`), ...ofName.map((problem) => `name part ${problem}`)];
}

export function labelValueProblems(value = ''): string[] {
  return problemsOf(value, LABEL_VALUE_SHAPE, 'bytes');
}

/** A key of a ConfigMap or Secret: a file name. */
export function configKeyProblems(value = ''): string[] {
  return [...problemsOf(value, CONFIG_KEY_SHAPE), ...dotProblems(value)];
}

/** Environment variables: printable ASCII but '='. */
export function envNameProblems(value = ''): string[] {
  if (value === '') return ['environment variable name must be non-empty'];
  return /^[\x20-\x3c\x3e-\x7e]+$/.test(value) ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** Names of container and service ports (IANA service names). */
export function portNameProblems(port = ''): string[] {
  const problems: string[] = [];
  if (port.length > 15) problems.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(port)) problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(port)) problems.push('must contain at least one letter (a-z)');
  if (port.includes('--')) problems.push('must not contain consecutive hyphens');
  if (port.startsWith('-') || port.endsWith('-')) problems.push('must not begin or end with a hyphen');
  return problems;
}

export function portNumberProblems(port: number): string[] {
  return rangeProblems(port, 1, 65535);
}

export function rangeProblems(value: number, low: number, high: number): string[] {
  return value >= low && value <= high ? [] : [`must be between ${String(low)} and ${String(high)}, inclusive`];
}

/** Users and groups of processes. */
export function idProblems(value: number): string[] {
  return rangeProblems(value, 0, 2147483647);
}

/** RBAC and others: anything that can be one segment of a URL's path. */
export function pathSegmentProblems(name: string, prefix: boolean): string[] {
  const problems = ['/', '%'].filter((sign) => name.includes(sign)).map((sign) => `may not contain '${sign}'`);
  return !prefix && (name === '.' || name === '..') ? [`may not be '${name}'`, ...problems] : problems;
}

/** The rules of metadata.name; with `prefix` (generateName) a trailing dash is fine: more follows. */
export function subdomainName(name: string, prefix: boolean): string[] {
  return subdomainProblems(prefix ? withoutDash(name) : name);
}

export function dnsLabelName(name: string, prefix: boolean): string[] {
  return dnsLabelProblems(prefix ? withoutDash(name) : name);
}

/** Go's RegexError: `… (e.g. 'a',  or 'b', regex used for validation is '…')`. */
export function regexpWords(words: string, regexp: string, examples: readonly string[]): string {
  return `${words} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${regexp}')`;
}

function withoutDash(name: string): string {
  return name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
}

// Upstream counts bytes everywhere and says so in its newer package only.
function problemsOf(value: string, { max, regexp, words }: Shape, unit: Unit = 'characters'): string[] {
  const problems = Buffer.byteLength(value) > max ? [`must be no more than ${String(max)} ${unit}`] : [];
  return regexp.test(value) ? problems : [...problems, words];
}

function dotProblems(value: string): string[] {
  if (value === '.' || value === '..') return [`must not be '${value}'`];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
}
