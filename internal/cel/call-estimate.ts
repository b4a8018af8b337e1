// What a call may cost at worst, by the sizes its operands may have: cel-go's estimates with Kubernetes' own before them. Which rules a CRD
// may hold depends on these numbers, so they are upstream's to the unit. The costs of the operands themselves are added by the caller.
import { CHECK_COST, REGEX, TRAVERSAL } from './call-cost.ts';
import { fixed, MAX, plus, scaled, times, union, UNKNOWN, type CallEstimate, type Operand, type Range } from './estimate.ts';

/** The receiver, if any, and the arguments. */
export interface Operands {
  target: Operand | undefined;
  args: readonly Operand[];
}
type Estimate = (operands: Operands) => CallEstimate | undefined;

const NAMED_FORMAT_REGEX_MAX = 128;
const ALLOCATED_LIST = fixed(11);
const ADDRESS: Range = { min: 4, max: 16 };
const ONE: Range = { min: 1, max: 1 };
const unit: Estimate = () => ({ cost: ONE });

const ofArgument = (factor = 1): Estimate => ({ args: [text] }) => (text === undefined ? undefined : { cost: scaled(text.size, factor * TRAVERSAL) });
const keepingSize = (operand: Operand | undefined): CallEstimate | undefined => (operand === undefined ? undefined : { cost: scaled(operand.size, TRAVERSAL), size: operand.size });

const BY_OVERLOAD: Readonly<Record<string, Estimate>> = {
  list_slice: ({ target, args: [start, end] }) => (target === undefined ? undefined : allocated(1, fixed(Math.max(0, intOf(end, target.size.max) - intOf(start, 0))))),
  lists_range: ({ args: [count] }) => allocated(1, fixed(intOf(count, MAX))),
  list_reverse: ({ target }) => target && allocated(1, target.size),
  list_flatten: ({ target }) => target && allocated(1, target.size),
  list_flatten_int: ({ target, args: [depth] }) => target && allocated(intOf(depth, MAX), target.size),
  list_distinct: ({ target }) => target && allocated(2, times(target.size, target.size)),
  list_sets_contains_list: sets(1), list_sets_intersects_list: sets(1), list_sets_equivalent_list: sets(2),
};

/** What costs the same whatever it is asked. */
const UNITS = [
  'serviceAccount', 'path', 'group', 'resource', 'subresource', 'namespace', 'name', 'allowed', 'reason', 'error', 'errored',
  'masked', 'prefixLength', 'family', 'isUnspecified', 'isLoopback', 'isLinkLocalMulticast', 'isLinkLocalUnicast', 'isGlobalUnicast',
  'format.named', 'sign', 'asInteger', 'isInteger', 'asApproximateFloat', 'isGreaterThan', 'isLessThan', 'compareTo', 'add', 'sub',
  'major', 'minor', 'patch', 'getScheme', 'getHostname', 'getHost', 'getPort', 'getEscapedPath', 'getQuery',
];

const BY_FUNCTION: Readonly<Record<string, Estimate>> = {
  check: () => ({ cost: fixed(CHECK_COST) }),
  ...Object.fromEntries(UNITS.map((name) => [name, unit])),
  ...Object.fromEntries(['fieldSelector', 'labelSelector'].map((name) => [name, selector])),
  ...Object.fromEntries(['isSorted', 'sum', 'max', 'min', 'indexOf', 'lastIndexOf'].map((name) => [name, traversal])),
  ...Object.fromEntries(['url', 'jsonpatch.escapeKey'].map((name): [string, Estimate] => [name, ({ args: [text] }) => keepingSize(text)])),
  ...Object.fromEntries(['lowerAscii', 'upperAscii', 'substring', 'trim'].map((name): [string, Estimate] => [name, ({ target }) => keepingSize(target)])),
  ...Object.fromEntries(['cidr', 'isIP', 'isCIDR', 'quantity', 'isQuantity', 'semver', 'isSemver'].map((name) => [name, ofArgument()])),
  'ip.isCanonical': ofArgument(2),
  replace, split, join,
  find: regex, findAll: regex,
  validate: ({ args: [text] }) => text && { cost: scaled(scaled(text.size, TRAVERSAL), NAMED_FORMAT_REGEX_MAX * REGEX) },
};

/** Kubernetes' and the extensions' estimate; undefined where cel-go's own holds. */
export function estimateCall(name: string, id: string, operands: Operands): CallEstimate | undefined {
  const special = Object.hasOwn(BY_OVERLOAD, id) ? BY_OVERLOAD[id]?.(operands) : sorting(id, operands);
  if (special !== undefined) return special;
  if (name === 'ip') return id === 'cidr_ip' ? unit(operands) : ofArgument()(operands);
  if (name === 'containsIP' || name === 'containsCIDR') return contains(name, id, operands);
  if (name === '_==_') return equality(operands);
  return Object.hasOwn(BY_FUNCTION, name) ? BY_FUNCTION[name]?.(operands) : undefined;
}

/** cel-go's own. */
export function estimateStandard(id: string, { target, args }: Operands): CallEstimate {
  const [first, second] = args;
  const text = (operand: Operand | undefined, factor = TRAVERSAL): Range => scaled(operand?.size ?? UNKNOWN, factor);
  switch (id) {
    case 'string_format': return target === undefined ? { cost: ONE } : { cost: text(target) };
    case 'string_to_bytes': return { cost: text(first), size: first === undefined ? UNKNOWN : { min: first.size.min, max: wrapped(first.size.max * 4) } };
    case 'bytes_to_string': return { cost: text(first), size: first === undefined ? UNKNOWN : { min: Math.floor(first.size.min / 4), max: first.size.max } };
    case 'strings_quote': return { cost: text(first), size: first === undefined ? UNKNOWN : { min: first.size.min + 2, max: wrapped(first.size.max * 2 + 2) } };
    case 'starts_with_string': case 'ends_with_string': return { cost: text(first) };
    case 'in_list': return { cost: text(second, 1) };
    case 'matches_string': return target === undefined ? { cost: ONE } : { cost: times(scaled(plus(target.size, ONE), TRAVERSAL), text(first, REGEX)) };
    case 'contains_string': return { cost: times(text(target), text(first)) };
    case 'add_string': case 'add_bytes': case 'add_list': {
      const size = plus(first?.size ?? UNKNOWN, second?.size ?? UNKNOWN);
      return { cost: id === 'add_list' ? ONE : scaled(size, TRAVERSAL), size };
    }
    case 'equals': case 'not_equals': return { cost: comparison(first, second) };
    default: return { cost: /^(?:less|greater)(?:_equals)?_(?:string|bytes)$/.test(id) ? comparison(first, second) : ONE };
  }
}

// Go's product of an unknown size overflows.
function wrapped(value: number): number {
  return value >= MAX ? MAX : value;
}

function comparison(left: Operand | undefined, right: Operand | undefined): Range {
  const max = Math.min(left?.size.max ?? MAX, right?.size.max ?? MAX);
  return scaled({ min: max > 0 ? 1 : 0, max }, TRAVERSAL);
}

function allocated(factor: number, size: Range): CallEstimate {
  return { cost: plus(scaled(size, factor), ALLOCATED_LIST), size };
}

function sets(factor: number): Estimate {
  return ({ args: [a, b] }) => a && b && { cost: plus(scaled(times(a.size, b.size), factor), ONE) };
}

function sorting(id: string, { target, args: [keys] }: Operands): CallEstimate | undefined {
  const list = id.endsWith('_sort') ? target : id.endsWith('_sortByAssociatedKeys') ? keys : undefined;
  return list && allocated(/^list_(?:string|bytes)_/.test(id) ? 2 + TRAVERSAL : 2, times(list.size, list.size));
}

function intOf(operand: Operand | undefined, otherwise: number): number {
  return typeof operand?.literal === 'number' ? Math.max(0, operand.literal) : otherwise;
}

function selector({ args: [text] }: Operands): CallEstimate | undefined {
  return text && { cost: plus(plus(fixed(10), scaled(text.size, TRAVERSAL)), scaled(scaled(text.size, 0.5), 50)) };
}

// Of lists by their elements; of strings, which indexOf takes too, by their length.
function traversal({ target }: Operands): CallEstimate | undefined {
  if (target === undefined) return undefined;
  if (target.elements === undefined) return { cost: scaled(target.size, TRAVERSAL) };
  const element = target.elements.textual ? plus(ONE, scaled(target.elements.size, TRAVERSAL)) : ONE;
  return { cost: times(target.size, element) };
}

function regex({ target, args: [pattern] }: Operands): CallEstimate | undefined {
  if (target === undefined || pattern === undefined) return undefined;
  return { cost: times(scaled(plus(target.size, ONE), TRAVERSAL), scaled(pattern.size, REGEX)), size: { min: 0, max: target.size.max } };
}

function replace({ target, args: [old, fresh] }: Operands): CallEstimate | undefined {
  if (target === undefined || old === undefined || fresh === undefined) return undefined;
  const count: Range = { min: 0, max: 0 };
  const kept: Range = { min: 0, max: 0 };
  if (old.size.min === 0) {
    count.max = target.size.max < MAX ? target.size.max + 1 : MAX;
    kept.max = target.size.max;
  } else if (fresh.size.max <= old.size.min) kept.max = target.size.max;
  else count.max = Math.ceil(target.size.max / old.size.min);
  if (old.size.max === 0) {
    count.min = target.size.min + 1;
    kept.min = target.size.min;
  } else if (old.size.max <= fresh.size.min) kept.min = target.size.min;
  else count.min = Math.ceil(target.size.min / old.size.max);
  return { cost: scaled(target.size, 2 * TRAVERSAL), size: plus(times(count, fresh.size), kept) };
}

function split({ target, args: [, limit] }: Operands): CallEstimate | undefined {
  if (target === undefined) return undefined;
  const max = typeof limit?.literal === 'number' ? (limit.literal < 0 ? MAX : limit.literal) : target.size.max;
  return { cost: scaled(target.size, 2 * TRAVERSAL), size: { min: 0, max } };
}

function join({ target, args: [separator] }: Operands): CallEstimate | undefined {
  if (target === undefined) return undefined;
  let size = target.elements === undefined ? fixed(0) : times(target.size, target.elements.size);
  if (separator !== undefined) size = plus(size, times(separator.size, { min: Math.max(0, target.size.min - 1), max: Math.max(0, target.size.max - 1) }));
  return { cost: scaled(size, TRAVERSAL), size };
}

function contains(name: string, id: string, { args: [other] }: Operands): CallEstimate | undefined {
  if (other === undefined) return undefined;
  let cost = scaled(plus(ADDRESS, ADDRESS), TRAVERSAL);
  if (name === 'containsCIDR') cost = plus(plus(cost, scaled(ADDRESS, TRAVERSAL)), ONE);
  return { cost: id.endsWith('_string') ? plus(cost, scaled(other.size, TRAVERSAL)) : cost };
}

function equality({ args: [left, right] }: Operands): CallEstimate | undefined {
  if (left === undefined || right === undefined || !left.sameTypeAs(right)) return undefined;
  if (/^(?:net\.(?:IP|CIDR)|kubernetes\.(?:Quantity|Semver|authorization\..+))$/.test(left.typeName)) return { cost: ONE };
  if (left.typeName === 'kubernetes.NamedFormat') return { cost: scaled({ min: 1, max: 64 }, TRAVERSAL) };
  if (left.typeName !== 'kubernetes.URL') return undefined;
  return { cost: scaled({ min: 1, max: right.known === undefined ? 1 : union(right.known, right.known).max }, TRAVERSAL) };
}
