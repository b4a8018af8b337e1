// Label and field selectors: upstream's grammar, its meaning and its words for what it refuses (apimachinery labels and fields).
// `text` is the canonical form: requirements by key, values sorted.
import { StatusError } from '../base/errors.ts';
import { errorBody, invalid, type FieldError } from './field-error.ts';
import { labelKeyProblems, labelValueProblems } from './names.ts';

export type Labels = Readonly<Record<string, string>>;
export type Operator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export interface Requirement {
  key: string;
  operator: Operator;
  values: readonly string[];
}

export interface Selector {
  readonly text: string;
  readonly requirements: readonly Requirement[];
  /** True where nothing can match (an absent LabelSelector). */
  readonly nothing: boolean;
  matches(labels: Labels | undefined): boolean;
}

/** metav1.LabelSelector */
export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] }[];
}

export interface FieldRequirement {
  field: string;
  operator: '=' | '!=';
  value: string;
}

export interface FieldSelector {
  readonly text: string;
  readonly requirements: readonly FieldRequirement[];
  /** A field that is absent counts as ''. */
  matches(fields: Readonly<Record<string, string>>): boolean;
}

const EVERYTHING: Selector = { text: '', requirements: [], nothing: false, matches: () => true };
const NOTHING: Selector = { text: '', requirements: [], nothing: true, matches: () => false };

/** `app=web,tier in (a, b),!legacy`. Throws StatusError BadRequest with upstream's words. */
export function parseLabelSelector(text: string | undefined): Selector {
  if (text === undefined || text.trim() === '') return EVERYTHING;
  try {
    return selectorOfRequirements(new LabelParser(text).parse());
  } catch (error) {
    if (error instanceof SelectorError) throw new StatusError('BadRequest', error.message, { cause: error });
    throw error;
  }
}

/** undefined selects nothing, `{}` everything. Throws StatusError Invalid on an unknown operator or bad values. */
export function selectorOf(labelSelector?: LabelSelector | null): Selector {
  if (labelSelector === undefined || labelSelector === null) return NOTHING;
  const requirements: Requirement[] = Object.entries(labelSelector.matchLabels ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] }));
  for (const { key, operator, values = [] } of labelSelector.matchExpressions ?? []) {
    const known = EXPRESSION_OPERATORS[operator];
    if (known === undefined) throw new StatusError('BadRequest', `${JSON.stringify(operator)} is not a valid label selector operator`);
    requirements.push({ key, operator: known, values });
  }
  for (const requirement of requirements) {
    const problems = requirementProblems(requirement);
    if (problems.length > 0) throw new StatusError('BadRequest', aggregate(problems));
  }
  return selectorOfRequirements(requirements);
}

/** A plain map (Service.spec.selector): every pair must match; an absent map selects nothing, an empty one everything. */
export function selectorOfMap(map: Labels | undefined | null): Selector {
  if (map === undefined || map === null) return NOTHING;
  return selectorOfRequirements(Object.entries(map).map(([key, value]) => ({ key, operator: '=', values: [value] })));
}

/** A selector from requirements that are known to be good. */
function selectorOfRequirements(requirements: readonly Requirement[]): Selector {
  if (requirements.length === 0) return EVERYTHING;
  const sorted = [...requirements].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return {
    requirements: sorted,
    nothing: false,
    get text() { return sorted.map((requirement) => formatRequirement(requirement)).join(','); },
    matches: (labels) => sorted.every((requirement) => meets(requirement, labels)),
  };
}

/** `metadata.name=web,status.phase!=Running`. Throws StatusError BadRequest with upstream's words. */
export function parseFieldSelector(text: string | undefined): FieldSelector {
  const source = text ?? '';
  const requirements = splitTerms(source).filter((term) => term !== '').sort().map((term) => parseTerm(term, source));
  return {
    requirements,
    get text() { return requirements.map(({ field, operator, value }) => `${field}${operator}${escapeFieldValue(value)}`).join(','); },
    matches: (fields) => requirements.every(({ field, operator, value }) => ((fields[field] ?? '') === value) === (operator === '=')),
  };
}

function escapeFieldValue(value: string): string {
  return value.replaceAll(/[\\,=]/g, (letter) => `\\${letter}`);
}

/** What NewRequirement refuses; paths are relative (`key`, `values[0][app]`). */
function requirementProblems({ key, operator, values }: Requirement): FieldError[] {
  const problems: FieldError[] = [];
  const keyProblems = labelKeyProblems(key);
  if (keyProblems.length > 0) problems.push(invalid('key', key, keyProblems.join('; ')));
  const count = countProblem(operator, values.length);
  if (count !== undefined) problems.push(invalid('values', values, count));
  values.forEach((value, index) => {
    const path = `values[${String(index)}]`;
    if ((operator === 'gt' || operator === 'lt') && !/^[+-]?\d+$/.test(value)) problems.push(invalid(path, value, "for 'Gt', 'Lt' operators, the value must be an integer"));
    const valueProblems = labelValueProblems(value);
    if (valueProblems.length > 0) problems.push(invalid(`${path}[${key}]`, value, valueProblems.join('; ')));
  });
  return problems;
}

const EXPRESSION_OPERATORS: Readonly<Record<string, Operator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };

function countProblem(operator: Operator, count: number): string | undefined {
  if (operator === 'in' || operator === 'notin') return count > 0 ? undefined : "for 'in', 'notin' operators, values set can't be empty";
  if (operator === 'exists' || operator === '!') return count === 0 ? undefined : 'values set must be empty for exists and does not exist';
  if (operator === 'gt' || operator === 'lt') return count === 1 ? undefined : "for 'Gt', 'Lt' operators, exactly one value is required";
  return count === 1 ? undefined : 'exact-match compatibility requires one single value';
}

function meets({ key, operator, values }: Requirement, labels: Labels | undefined): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case '=': case '==': case 'in': return value !== undefined && values.includes(value);
    case '!=': case 'notin': return value === undefined || !values.includes(value);
    case 'exists': return value !== undefined;
    case '!': return value === undefined;
    case 'gt': return compareIntegers(value, values[0]) > 0;
    case 'lt': return compareIntegers(value, values[0]) < 0;
  }
}

// 0 where either is no integer: neither greater nor less.
function compareIntegers(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined || !/^[+-]?\d+$/.test(a) || !/^[+-]?\d+$/.test(b)) return 0;
  const difference = BigInt(a.replace('+', '')) - BigInt(b.replace('+', ''));
  return difference > 0n ? 1 : difference < 0n ? -1 : 0;
}

function formatRequirement({ key, operator, values }: Requirement): string {
  const list = [...values].sort().join(',');
  switch (operator) {
    case 'exists': return key;
    case '!': return `!${key}`;
    case 'in': case 'notin': return `${key} ${operator} (${list})`;
    case 'gt': return `${key}>${list}`;
    case 'lt': return `${key}<${list}`;
    case '=': case '==': case '!=': return `${key}${operator}${list}`;
  }
}

function aggregate(problems: readonly FieldError[]): string {
  const lines = problems.map((problem) => `${problem.field}: ${errorBody(problem)}`);
  return lines.length === 1 ? (lines[0] ?? '') : `[${lines.join(', ')}]`;
}

class SelectorError extends Error {}

type Token = { kind: 'word' | 'operator' | 'end' | 'error'; text: string };
const OPERATORS: Readonly<Record<string, Operator>> = { '=': '=', '==': '==', '!=': '!=', 'in': 'in', 'notin': 'notin', '>': 'gt', '<': 'lt' };
const SYMBOLS = ['==', '!=', '!', '=', '(', ')', ',', '>', '<'];
const EXPECTED_OPERATORS = 'in, notin, =, ==, !=, gt, lt';

class LabelParser {
  private readonly tokens: Token[];
  private at = 0;

  constructor(text: string) {
    this.tokens = lex(text);
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    for (;;) {
      const next = this.peek();
      if (next.kind === 'end') return requirements;
      if (next.kind !== 'word' && next.text !== '!') throw new SelectorError(`found '${next.text}', expected: !, identifier, or 'end of string'`);
      requirements.push(this.requirement());
      const after = this.take();
      if (after.kind === 'end') return requirements;
      if (after.text !== ',') throw new SelectorError(`found '${after.text}', expected: ',' or 'end of string'`);
      const following = this.peek();
      if (following.kind !== 'word' && following.text !== '!') throw new SelectorError(`found '${following.text}', expected: identifier after ','`);
    }
  }

  private requirement(): Requirement {
    const requirement = this.read();
    const problems = requirementProblems(requirement);
    if (problems.length > 0) this.refuse(aggregate(problems));
    return requirement;
  }

  private read(): Requirement {
    const absent = this.peek().text === '!' && this.peek().kind === 'operator';
    if (absent) this.take();
    const key = this.take();
    if (key.kind !== 'word') this.refuse(`found '${key.text}', expected: identifier`);
    const problems = labelKeyProblems(key.text);
    if (problems.length > 0) this.refuse(`<nil>: ${errorBody(invalid('', key.text, problems.join('; ')))}`);
    const next = this.peek();
    if (absent) return { key: key.text, operator: '!', values: [] };
    if (next.kind === 'end' || next.text === ',') return { key: key.text, operator: 'exists', values: [] };
    const operator = OPERATORS[next.text];
    if (operator === undefined) return this.refuse(`found '${next.text}', expected: ${EXPECTED_OPERATORS}`);
    this.take();
    const values = operator === 'in' || operator === 'notin' ? this.list() : [this.exact()];
    return { key: key.text, operator, values: [...new Set(values)].sort() };
  }

  private exact(): string {
    const next = this.peek(true);
    if (next.kind === 'end' || next.text === ',') return '';
    this.take();
    if (next.kind !== 'word') this.refuse(`found '${next.text}', expected: identifier`);
    return next.text;
  }

  private list(): string[] {
    const open = this.take();
    if (open.text !== '(') this.refuse(`found '${open.text}' expected: '('`);
    const values: string[] = [];
    for (let pending = true; ; ) {
      const next = this.take(true);
      if (next.text === ')' && next.kind === 'operator') return pending ? [...values, ''] : values;
      if (next.text === ',' && next.kind === 'operator') {
        if (pending) values.push('');
        pending = true;
      } else if (next.kind === 'word' && pending) {
        values.push(next.text);
        pending = false;
      } else {
        this.refuse(pending ? `found '${next.text}', expected: ',', ')' or identifier` : `found '${next.text}', expected: ',' or ')'`);
      }
    }
  }

  // In the place of a value, `in` and `notin` are words.
  private peek(value = false): Token {
    const token = this.tokens[this.at] ?? { kind: 'end', text: '' };
    return value && (token.text === 'in' || token.text === 'notin') ? { kind: 'word', text: token.text } : token;
  }

  private take(value = false): Token {
    const token = this.peek(value);
    this.at++;
    return token;
  }

  private refuse(message: string): never {
    throw new SelectorError(`unable to parse requirement: ${message}`);
  }
}

function lex(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    const letter = text[at] ?? '';
    const symbol = SYMBOLS.find((candidate) => text.startsWith(candidate, at));
    if (/\s/.test(letter)) at++;
    else if (symbol !== undefined) {
      tokens.push({ kind: 'operator', text: symbol });
      at += symbol.length;
    } else {
      const [word = ''] = /^[^\s=!(),<>]+/.exec(text.slice(at)) ?? [];
      const keyword = (word === 'in' || word === 'notin') && tokens.at(-1)?.kind === 'word';
      tokens.push({ kind: keyword ? 'operator' : 'word', text: word });
      at += word.length;
    }
  }
  return tokens;
}

function splitTerms(text: string): string[] {
  return text === '' ? [] : (text.match(/(?:\\.|[^\\,]|\\$)+|(?<=,|^)(?=,|$)/g) ?? []);
}

function parseTerm(term: string, selector: string): FieldRequirement {
  const [, field, operator, value = ''] = /^(.*?)(!=|==|=)(.*)$/s.exec(term) ?? [];
  if (field === undefined || operator === undefined) throw new StatusError('BadRequest', `invalid selector: '${selector}'; can't understand '${term}'`);
  return { field, operator: operator === '!=' ? '!=' : '=', value: unescapeFieldValue(value) };
}

function unescapeFieldValue(value: string): string {
  let text = '';
  for (let at = 0; at < value.length; at++) {
    const letter = value[at] ?? '';
    if (letter === ',' || letter === '=') throw new StatusError('BadRequest', `invalid field selector: unescaped character in value: ${String(letter.charCodeAt(0))}`);
    if (letter !== '\\') text += letter;
    else {
      const escaped = value[++at] ?? '';
      if (escaped === '' || !'\\,='.includes(escaped)) throw new StatusError('BadRequest', `invalid field selector: invalid escape sequence: \\${escaped}`);
      text += escaped;
    }
  }
  return text;
}
