// What values of names, labels, ports and keys must look like, as lists of problems in upstream's words
// (apimachinery/pkg/util/validation, pkg/api/validate/content). [] when fine.

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const ENV_NAME = '[-._a-zA-Z][-._a-zA-Z0-9]*';
const CONFIG_KEY = '[-._a-zA-Z0-9]+';
const LABEL_REGEXP = new RegExp(`^${LABEL}$`);
const SUBDOMAIN_REGEXP = new RegExp(`^${SUBDOMAIN}$`);
const LABEL_1035_REGEXP = new RegExp(`^${LABEL_1035}$`);
const WILDCARD_REGEXP = new RegExp(`^\\*\\.${SUBDOMAIN}$`);
const QUALIFIED_REGEXP = new RegExp(`^${QUALIFIED}$`);
const LABEL_VALUE_REGEXP = new RegExp(`^(${QUALIFIED})?$`);
const CONFIG_KEY_REGEXP = new RegExp(`^${CONFIG_KEY}$`);

const SUBDOMAIN_WORDS = 'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \'-\' or \'.\', and must start and end with an alphanumeric character';
const LABEL_WORDS = 'a lowercase RFC 1123 label must consist of lower case alphanumeric characters or \'-\', and must start and end with an alphanumeric character';
const LABEL_1035_WORDS = 'a DNS-1035 label must consist of lower case alphanumeric characters or \'-\', start with an alphabetic character, and end with an alphanumeric character';
const WILDCARD_WORDS = 'a wildcard DNS-1123 subdomain must start with \'*.\', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, \'-\' or \'.\' and end with an alphanumeric character';
const QUALIFIED_WORDS = 'must consist of alphanumeric characters, \'-\', \'_\' or \'.\', and must start and end with an alphanumeric character';
const LABEL_VALUE_WORDS = 'a valid label must be an empty string or consist of alphanumeric characters, \'-\', \'_\' or \'.\', and must start and end with an alphanumeric character';
const CONFIG_KEY_WORDS = 'a valid config key must consist of alphanumeric characters, \'-\', \'_\' or \'.\'';

export function subdomainProblems(value: string): string[] {
  return checked(value, { max: 253, regexp: SUBDOMAIN_REGEXP, words: () => regexpWords(SUBDOMAIN_WORDS, SUBDOMAIN, ['example.com']) });
}

export function dnsLabelProblems(value: string): string[] {
  const words = (): string => (SUBDOMAIN_REGEXP.test(value) ? 'must not contain dots' : regexpWords(LABEL_WORDS, LABEL, ['my-name', '123-abc']));
  return checked(value, { max: 63, regexp: LABEL_REGEXP, words });
}

export function dns1035LabelProblems(value: string): string[] {
  return checked(value, { max: 63, regexp: LABEL_1035_REGEXP, words: () => regexpWords(LABEL_1035_WORDS, LABEL_1035, ['my-name', 'abc-123']) });
}

export function wildcardSubdomainProblems(value: string): string[] {
  return checked(value, { max: 253, regexp: WILDCARD_REGEXP, words: () => regexpWords(WILDCARD_WORDS, `\\*\\.${SUBDOMAIN}`, ['*.example.com']) });
}

/** A qualified name: `prefix.example.com/name` or `name`. */
export function labelKeyProblems(key: string): string[] {
  const parts = key.split('/');
  const qualified = (): string => regexpWords(QUALIFIED_WORDS, QUALIFIED, ['MyName', 'my.name', '123-abc']);
  if (parts.length > 2) return [`a valid label key ${qualified()} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const name = parts.at(-1) ?? '';
  const problems: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') problems.push('prefix part must be non-empty');
    else problems.push(...subdomainProblems(prefix).map((problem) => `prefix part ${problem}`));
  }
  if (name === '') problems.push('name part must be non-empty');
  else if (name.length > 63) problems.push('name part must be no more than 63 bytes');
  if (!QUALIFIED_REGEXP.test(name)) problems.push(`name part ${qualified()}`);
  return problems;
}

export function labelValueProblems(value: string): string[] {
  const problems = value.length > 63 ? ['must be no more than 63 bytes'] : [];
  if (!LABEL_VALUE_REGEXP.test(value)) problems.push(regexpWords(LABEL_VALUE_WORDS, `(${QUALIFIED})?`, ['MyValue', 'my_value', '12345']));
  return problems;
}

/** A key of a ConfigMap or Secret: a file name. */
export function configKeyProblems(value: string): string[] {
  const words = (): string => regexpWords(CONFIG_KEY_WORDS, CONFIG_KEY, ['key.name', 'KEY_NAME', 'key-name']);
  return [...checked(value, { max: 253, regexp: CONFIG_KEY_REGEXP, words }), ...dotProblems(value)];
}

/** Environment variables: printable ASCII but '='. */
export function envNameProblems(value: string): string[] {
  if (value === '') return ['environment variable name must be non-empty'];
  return /^[\x20-\x3c\x3e-\x7e]+$/.test(value) ? [] : ['a valid environment variable name must consist only of printable ASCII characters other than \'=\''];
}

/** As older servers wanted them: still asked of keys that become variables. */
export function strictEnvNameProblems(value: string): string[] {
  const words = 'a valid environment variable name must consist of alphabetic characters, digits, \'_\', \'-\', or \'.\', and must not start with a digit';
  const problems = new RegExp(`^${ENV_NAME}$`).test(value) ? [] : [regexpWords(words, ENV_NAME, ['my.env-name', 'MY_ENV.NAME', 'MyEnvName1'])];
  return [...problems, ...dotProblems(value)];
}

export function portNameProblems(port: string): string[] {
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

export function idProblems(value: number): string[] {
  return rangeProblems(value, 0, 2147483647);
}

/** RBAC and others: anything that can be one segment of a URL's path. */
export function pathSegmentProblems(name: string, prefix: boolean): string[] {
  const problems: string[] = [];
  if (!prefix && (name === '.' || name === '..')) problems.push(`may not be '${name}'`);
  for (const character of ['/', '%']) if (name.includes(character)) problems.push(`may not contain '${character}'`);
  return problems;
}

/** The rules of metadata.name; with `prefix` (generateName) a trailing dash is fine. */
export function subdomainName(name: string, prefix: boolean): string[] {
  return subdomainProblems(prefix ? maskDash(name) : name);
}

export function dnsLabelName(name: string, prefix: boolean): string[] {
  return dnsLabelProblems(prefix ? maskDash(name) : name);
}

export function dns1035Name(name: string, prefix: boolean): string[] {
  return dns1035LabelProblems(prefix ? maskDash(name) : name);
}

export function regexpWords(words: string, regexp: string, examples: readonly string[] = []): string {
  if (examples.length === 0) return `${words} (regex used for validation is '${regexp}')`;
  return `${words} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${regexp}')`;
}

function maskDash(name: string): string {
  return name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
}

function checked(value: string, { max, regexp, words }: { max: number; regexp: RegExp; words: () => string }): string[] {
  const problems = value.length > max ? [`must be no more than ${String(max)} bytes`] : [];
  if (!regexp.test(value)) problems.push(words());
  return problems;
}

function dotProblems(value: string): string[] {
  if (value === '.' || value === '..') return [`must not be '${value}'`];
  return value.startsWith('..') ? ['must not start with \'..\''] : [];
}
