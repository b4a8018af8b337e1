// Macros: calls that the parser writes out as comprehensions and conditions, exactly as cel-go and its extensions do, for cost is counted
// on what they become.
import type { Report } from './cel-error.ts';
import { ACCUMULATOR, copyExpr, type Call, type Comprehension, type Expr } from './syntax.ts';
import type { Value } from './value.ts';

/** Builds nodes that stand where the macro's call stands. */
interface Builder {
  literal(value: Value): Expr;
  ident(name: string): Expr;
  call(name: string, ...args: Expr[]): Expr;
  method(name: string, target: Expr, ...args: Expr[]): Expr;
  list(...elements: Expr[]): Expr;
  accumulator(): Expr;
}
type Expansion = (call: Call & { target: Expr }, build: Builder) => Expr;

class MacroError extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

const METHODS: ReadonlyMap<string, Expansion> = new Map<string, Expansion>([
  ['all/2', (call, build) => quantifier('all', call, build)],
  ['all/3', (call, build) => quantifier('all', call, build)],
  ['exists/2', (call, build) => quantifier('exists', call, build)],
  ['exists/3', (call, build) => quantifier('exists', call, build)],
  ['exists_one/2', (call, build) => quantifier('one', call, build)],
  ['exists_one/3', (call, build) => quantifier('one', call, build)],
  ['existsOne/3', (call, build) => quantifier('one', call, build)],
  ['map/2', mapList],
  ['map/3', mapList],
  ['filter/2', filterList],
  ['transformList/3', transformList],
  ['transformList/4', transformList],
  ['transformMap/3', transformMap],
  ['transformMap/4', transformMap],
  ['transformMapEntry/3', transformMapEntry],
  ['transformMapEntry/4', transformMapEntry],
  ['optMap/2', optMap],
  ['optFlatMap/2', optFlatMap],
  ['sortBy/2', sortBy],
]);

/** What the call becomes; undefined where it is no macro. */
export function expandMacro(call: Call, report: Report, bindings: boolean): Expr | undefined {
  try {
    if (call.target === undefined) return call.name === 'has' && call.args.length === 1 ? expandHas(call) : undefined;
    if (bindings && call.name === 'bind' && call.args.length === 3 && call.target.kind === 'ident' && call.target.name === 'cel') return celBind(call, builderAt(call.at));
    const expand = METHODS.get(`${call.name}/${String(call.args.length)}`);
    return expand?.(call as Call & { target: Expr }, builderAt(call.at));
  } catch (error) {
    if (!(error instanceof MacroError)) throw error;
    report(error.at, error.message);
    return { kind: 'literal', at: call.at, value: null };
  }
}

function expandHas(call: Call): Expr {
  const [operand] = call.args;
  if (operand?.kind !== 'select') throw new MacroError(operand?.at ?? call.at, 'invalid argument to has() macro');
  return { ...operand, at: call.at, test: true };
}

function builderAt(at: number): Builder {
  const call = (name: string, ...args: Expr[]): Expr => ({ kind: 'call', at, name, args });
  return {
    literal: (value) => ({ kind: 'literal', at, value }),
    ident: (name) => ({ kind: 'ident', at, name }),
    call,
    method: (name, target, ...args) => ({ kind: 'call', at, name, target, args }),
    list: (...elements) => ({ kind: 'list', at, elements, optionals: new Set() }),
    accumulator: () => ({ kind: 'ident', at, name: ACCUMULATOR }),
  };
}

interface Loop {
  names: readonly [string, string?];
  init: Expr;
  condition: Expr;
  step: Expr;
  result?: Expr;
}

function comprehension(call: Call & { target: Expr }, { names: [variable, variable2 = ''], init, condition, step, result }: Loop): Comprehension {
  return {
    kind: 'comprehension', at: call.at, range: call.target, variable, variable2, accumulator: ACCUMULATOR, init, condition, step,
    result: result ?? { kind: 'ident', at: call.at, name: ACCUMULATOR },
  };
}

function quantifier(kind: 'all' | 'exists' | 'one', call: Call & { target: Expr }, build: Builder): Expr {
  const names = call.args.length === 3 ? twoNames(call) : ([nameOf(call.args[0], 'argument must be a simple name')] as const);
  const test = call.args.at(-1) as Expr;
  const accumulator = build.accumulator;
  if (kind === 'all') return comprehension(call, { names, init: build.literal(true), condition: build.call('@not_strictly_false', accumulator()), step: build.call('_&&_', accumulator(), test) });
  if (kind === 'exists') {
    const condition = build.call('@not_strictly_false', build.call('!_', accumulator()));
    return comprehension(call, { names, init: build.literal(false), condition, step: build.call('_||_', accumulator(), test) });
  }
  const step = build.call('_?_:_', test, build.call('_+_', accumulator(), build.literal(1)), accumulator());
  return comprehension(call, { names, init: build.literal(0), condition: build.literal(true), step, result: build.call('_==_', accumulator(), build.literal(1)) });
}

function mapList(call: Call & { target: Expr }, build: Builder): Expr {
  const names = [nameOf(call.args[0], 'argument is not an identifier')] as const;
  return collect(call, build, { names, filter: call.args.length === 3 ? call.args[1] : undefined, element: call.args.at(-1) as Expr });
}

function filterList(call: Call & { target: Expr }, build: Builder): Expr {
  const [element, filter] = call.args as [Expr, Expr];
  return collect(call, build, { names: [nameOf(element, 'argument is not an identifier')], filter, element });
}

function transformList(call: Call & { target: Expr }, build: Builder): Expr {
  return collect(call, build, { names: twoNames(call), filter: call.args.length === 4 ? call.args[2] : undefined, element: call.args.at(-1) as Expr });
}

function collect(call: Call & { target: Expr }, build: Builder, { names, filter, element }: { names: readonly [string, string?]; filter: Expr | undefined; element: Expr }): Expr {
  const step = build.call('_+_', build.accumulator(), build.list(element));
  return comprehension(call, { names, init: build.list(), condition: build.literal(true), step: conditional(filter, step, build) });
}

function transformMap(call: Call & { target: Expr }, build: Builder): Expr {
  const names = twoNames(call);
  return insert(call, build, { names, arguments: [build.ident(names[0]), call.args.at(-1) as Expr] });
}

function transformMapEntry(call: Call & { target: Expr }, build: Builder): Expr {
  return insert(call, build, { names: twoNames(call), arguments: [call.args.at(-1) as Expr] });
}

function insert(call: Call & { target: Expr }, build: Builder, { names, arguments: args }: { names: readonly [string, string?]; arguments: Expr[] }): Expr {
  const step = build.call('cel.@mapInsert', build.accumulator(), ...args);
  const init: Expr = { kind: 'map', at: call.at, entries: [] };
  return comprehension(call, { names, init, condition: build.literal(true), step: conditional(call.args.length === 4 ? call.args[2] : undefined, step, build) });
}

function conditional(filter: Expr | undefined, step: Expr, build: Builder): Expr {
  return filter === undefined ? step : build.call('_?_:_', filter, step, build.accumulator());
}

function optMap(call: Call & { target: Expr }, build: Builder): Expr {
  const bound = bindOptional(call, build, 'optMap');
  return build.call('_?_:_', build.method('hasValue', call.target), build.call('optional.of', bound), build.call('optional.none'));
}

function optFlatMap(call: Call & { target: Expr }, build: Builder): Expr {
  const bound = bindOptional(call, build, 'optFlatMap');
  return build.call('_?_:_', build.method('hasValue', call.target), bound, build.call('optional.none'));
}

function bindOptional(call: Call & { target: Expr }, build: Builder, macro: string): Expr {
  const [variable, body] = call.args as [Expr, Expr];
  if (variable.kind !== 'ident') throw new MacroError(variable.at, `${macro}() variable name must be a simple identifier`);
  return bind({ at: call.at, name: variable.name, value: build.method('value', copyExpr(call.target)), body }, build);
}

function celBind(call: Call, build: Builder): Expr {
  const [variable, value, body] = call.args as [Expr, Expr, Expr];
  if (variable.kind !== 'ident') throw new MacroError(variable.at, 'cel.bind() variable names must be simple identifiers');
  return bind({ at: call.at, name: variable.name, value, body }, build);
}

function sortBy(call: Call & { target: Expr }, build: Builder): Expr {
  const input = '@__sortBy_input__';
  if (!['list', 'select', 'ident', 'comprehension', 'call'].includes(call.target.kind)) {
    throw new MacroError(call.target.at, 'sortBy can only be applied to a list, identifier, comprehension, call or select expression');
  }
  const keys = mapList({ ...call, target: build.ident(input) }, build);
  return bind({ at: call.at, name: input, value: call.target, body: build.method('@sortByAssociatedKeys', build.ident(input), keys) }, build);
}

// A loop over nothing whose accumulator is the bound name.
function bind({ at, name, value, body }: { at: number; name: string; value: Expr; body: Expr }, build: Builder): Comprehension {
  return {
    kind: 'comprehension', at, range: build.list(), variable: '#unused', variable2: '', accumulator: name, init: value,
    condition: build.literal(false), step: build.ident(name), result: body,
  };
}

function nameOf(expr: Expr | undefined, problem: string): string {
  if (expr?.kind !== 'ident') throw new MacroError(expr?.at ?? 0, problem);
  if (expr.name === '__result__') throw new MacroError(expr.at, 'iteration variable overwrites accumulator variable');
  return expr.name;
}

function twoNames({ args: [first, second] }: Call): readonly [string, string] {
  const names = [nameOf(first, 'argument must be a simple name'), nameOf(second, 'argument must be a simple name')] as const;
  if (names[0] === names[1]) throw new MacroError(second?.at ?? 0, `duplicate variable name: ${names[0]}`);
  return names;
}
