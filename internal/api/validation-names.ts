// The names Kubernetes allows, with upstream's words for those it does not (apimachinery util/validation). Each check gives the list of
// what is wrong: empty when nothing is.

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const DNS1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const LABEL_ERROR = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const SUBDOMAIN_ERROR = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const DNS1035_ERROR = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const QUALIFIED_ERROR = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const LABEL_VALUE_ERROR = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

const whole = (pattern: string): RegExp => new RegExp(`^${pattern}$`);
const LABEL_SHAPE = whole(LABEL);
const SUBDOMAIN_SHAPE = whole(SUBDOMAIN);
const WILDCARD_SHAPE = whole(`\\*\\.${SUBDOMAIN}`);
const DNS1035_SHAPE = whole(DNS1035);
const QUALIFIED_SHAPE = whole(QUALIFIED);
const LABEL_VALUE_SHAPE = whole(`(${QUALIFIED})?`);
const CONFIG_KEY_SHAPE = /^[-._a-zA-Z0-9]+$/;
const C_IDENTIFIER_SHAPE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const ENV_NAME_SHAPE = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;

export function dns1123LabelProblems(value: string): string[] {
  if (value.includes('.') && SUBDOMAIN_SHAPE.test(value)) return [...lengthProblem(value, 63), 'must not contain dots'];
  return [...lengthProblem(value, 63), ...shapeProblem(value, LABEL_SHAPE, regexError(LABEL_ERROR, LABEL, ['my-name', '123-abc']))];
}

export function dns1123SubdomainProblems(value: string): string[] {
  return [...lengthProblem(value, 253), ...shapeProblem(value, SUBDOMAIN_SHAPE, regexError(SUBDOMAIN_ERROR, SUBDOMAIN, ['example.com']))];
}

export function wildcardSubdomainProblems(value: string): string[] {
  const text = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
  return [...lengthProblem(value, 253), ...shapeProblem(value, WILDCARD_SHAPE, regexError(text, `\\*\\.${SUBDOMAIN}`, ['*.example.com']))];
}

export function dns1035LabelProblems(value: string): string[] {
  return [...lengthProblem(value, 63), ...shapeProblem(value, DNS1035_SHAPE, regexError(DNS1035_ERROR, DNS1035, ['my-name', 'abc-123']))];
}

/** A label key, an annotation key (lower-cased by the caller), a taint key, a resource name: `[prefix/]name`. */
export function qualifiedNameProblems(value: string): string[] {
  const parts = value.split('/');
  const examples = ['MyName', 'my.name', '123-abc'];
  const name = parts.at(-1) ?? '';
  if (parts.length > 2) {
    return [`a valid label key ${regexError(QUALIFIED_ERROR, QUALIFIED, examples)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const prefix = parts[0] ?? '';
  const prefixProblems = parts.length < 2 ? [] : prefix === '' ? ['prefix part must be non-empty'] : dns1123SubdomainProblems(prefix).map((problem) => `prefix part ${problem}`);
  const nameProblems = name === '' ? ['name part must be non-empty'] : lengthProblem(name, 63, 'bytes').map((problem) => `name part ${problem}`);
  return [...prefixProblems, ...nameProblems, ...shapeProblem(name, QUALIFIED_SHAPE, `name part ${regexError(QUALIFIED_ERROR, QUALIFIED, examples)}`)];
}

export function labelValueProblems(value: string): string[] {
  return [...lengthProblem(value, 63, 'bytes'), ...shapeProblem(value, LABEL_VALUE_SHAPE, regexError(LABEL_VALUE_ERROR, `(${QUALIFIED})?`, ['MyValue', 'my_value', '12345']))];
}

/** A key of ConfigMap and Secret data. */
export function configMapKeyProblems(value: string): string[] {
  const problems = [...lengthProblem(value, 253), ...shapeProblem(value, CONFIG_KEY_SHAPE, regexError("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", '[-._a-zA-Z0-9]+', ['key.name', 'KEY_NAME', 'key-name']))];
  return [...problems, ...dotProblems(value)];
}

export function cIdentifierProblems(value: string): string[] {
  return shapeProblem(value, C_IDENTIFIER_SHAPE, regexError("a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'", '[A-Za-z_][A-Za-z0-9_]*', ['my_name', 'MY_NAME', 'MyName']));
}

/** Names of environment variables: printable ASCII without '='. */
export function envVarNameProblems(value: string): string[] {
  if (value === '') return ['environment variable name must be non-empty'];
  return shapeProblem(value, /^[ -<>-~]+$/, "a valid environment variable name must consist only of printable ASCII characters other than '='");
}

/** The stricter form that upstream used before RelaxedEnvironmentVariableValidation. */
export function strictEnvVarNameProblems(value: string): string[] {
  const text = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit";
  return [...shapeProblem(value, ENV_NAME_SHAPE, regexError(text, '[-._a-zA-Z][-._a-zA-Z0-9]*', ['my.env-name', 'MY_ENV.NAME', 'MyEnvName1'])), ...dotProblems(value)];
}

/** Names of container and service ports (IANA service names). */
export function portNameProblems(value: string): string[] {
  const problems: string[] = [];
  if (value.length > 15) problems.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(value)) problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) problems.push('must contain at least one letter (a-z)');
  if (value.includes('--')) problems.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) problems.push('must not begin or end with a hyphen');
  return problems;
}

export function portNumberProblems(value: number): string[] {
  return Number.isInteger(value) && value >= 1 && value <= 65535 ? [] : ['must be between 1 and 65535, inclusive'];
}

/** Names that are one segment of a path: RBAC objects. */
export function pathSegmentProblems(value: string, prefix = false): string[] {
  if (!prefix && (value === '.' || value === '..')) return [`may not be '${value}'`];
  return ['/', '%'].filter((letter) => value.includes(letter)).map((letter) => `may not contain '${letter}'`);
}

/** Checks a generateName prefix as upstream does: a trailing dash is left out of account. */
export function maskTrailingDash(name: string): string {
  return name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
}

/** Go's RegexError: `… (e.g. 'a',  or 'b', regex used for validation is '…')`. */
export function regexError(message: string, pattern: string, examples: readonly string[]): string {
  return `${message} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${pattern}')`;
}

function dotProblems(value: string): string[] {
  if (value === '.') return ["must not be '.'"];
  if (value === '..') return ["must not be '..'"];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
}

// Upstream counts bytes everywhere and says so for labels only.
function lengthProblem(value: string, max: number, unit: 'bytes' | 'characters' = 'characters'): string[] {
  return Buffer.byteLength(value) > max ? [`must be no more than ${String(max)} ${unit}`] : [];
}

function shapeProblem(value: string, shape: RegExp, problem: string): string[] {
  return shape.test(value) ? [] : [problem];
}
