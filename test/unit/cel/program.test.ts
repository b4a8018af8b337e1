// What a program promises its callers beyond upstream's answers (differential.test.ts): how values go in and out, costs and budgets,
// lazy variables, optional old values, issues as data.
import t from 'tap';
import {
  AUTHORIZER, authorizerValue, BOOL, CelError, compile, CostLimitError, definitionType, DYN, EvaluationError, INT, listOf, maxCardinality, misnamedObjects, mutationTypes, objectType, optionalOf,
  ProgramError, RESOURCE_CHECK, resourceCheckValue, schemaType, STRING, toJson, type AuthorizerQuery, type CelType, type TypeSchema,
} from '../../../internal/cel/index.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';

t.test('a program tells its type and what it reads, and gives value and cost', (t) => {
  const self = objectType('object', { replicas: INT, names: listOf(STRING) });
  const program = compile('self.replicas >= oldSelf.replicas && self.names.all(self, self != "")', { variables: { self, oldSelf: self, other: DYN } });
  t.equal(program.outputType.kind, 'bool');
  t.strictSame([...program.references].toSorted(), ['oldSelf', 'self']);
  t.strictSame(program.evaluate({ self: { replicas: 2, names: ['a'] }, oldSelf: { replicas: 1, names: [] } }), { value: true, cost: 12 });
  t.end();
});

t.test('issues come as data, in the order of their places', (t) => {
  try {
    compile('nope +\n 1.startsWith(2) + other', { variables: {} });
    t.fail('compiled');
  } catch (error) {
    t.ok(error instanceof CelError);
    t.strictSame((error as CelError).issues.map(({ line, column }) => [line, column]), [[1, 0], [2, 13], [2, 19]]);
    t.match((error as CelError).message, "ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope +\n | ^\nERROR: <input>:2:14:");
  }
  t.ok(errorOf(() => compile("int('x')", { variables: {} })) instanceof ProgramError);
  t.end();
});

t.test('an evaluation ends at its limit, and says what it had cost', (t) => {
  const program = compile('l.all(a, l.all(b, l.all(c, a + b + c >= 0)))', { variables: { l: listOf(INT) } });
  const l = Array.from({ length: 200 }, (_, index) => index);
  t.ok(errorOf(() => program.evaluate({ l })) instanceof CostLimitError);
  try {
    program.evaluate({ l }, { costLimit: 100 });
  } catch (error) {
    t.equal((error as EvaluationError).message, 'operation cancelled: actual cost limit exceeded');
    t.equal((error as EvaluationError).cost, 101);
  }
  t.equal(program.evaluate({ l: [1] }, { costLimit: 100 }).value, true);
  t.end();
});

t.test('variables and fields are computed when they are read, once, and their failure is theirs', (t) => {
  const variables: Record<string, CelType> = { object: DYN, variables: objectType('variables', { a: INT, bad: INT }) };
  let read = 0;
  const given = {
    object: () => { read++; return { n: 1 }; },
    variables: { get a() { return 5; }, get bad(): number { throw new EvaluationError('bad variable'); } },
  };
  t.equal(compile('true || object.n == 1', { variables }).evaluate(given).value, true);
  t.equal(read, 0);
  t.equal(compile('object.n + object.n + variables.a', { variables }).evaluate(given).value, 7);
  t.equal(read, 1);
  t.equal(compile('variables.bad > 1 || variables.a == 5', { variables }).evaluate(given).value, true);
  t.throws(() => compile('variables.bad > 1', { variables }).evaluate(given), { message: 'bad variable' });
  t.end();
});

t.test('an optional old value is given as it is, or as undefined', (t) => {
  const self = objectType('object', { n: INT });
  const program = compile('oldSelf.hasValue() ? oldSelf.value().n < self.n : self.n == 1', { variables: { self, oldSelf: optionalOf(self) } });
  t.equal(program.evaluate({ self: { n: 2 }, oldSelf: { n: 1 } }).value, true);
  t.equal(program.evaluate({ self: { n: 2 }, oldSelf: { n: 3 } }).value, false);
  t.equal(program.evaluate({ self: { n: 1 }, oldSelf: undefined }).value, true);
  t.equal(compile('oldSelf.?n.orValue(9)', { variables: { oldSelf: optionalOf(self) } }).evaluate({ oldSelf: undefined }).value, 9);
  t.end();
});

t.test('one program runs again and again, and never changes what it is given', (t) => {
  const program = compile("l.map(x, x + '!') + l", { variables: { l: listOf(STRING) } });
  const l = Object.freeze(['a', 'b']);
  for (let turn = 0; turn < 3; turn++) t.strictSame(toJson(program.evaluate({ l }).value), ['a!', 'b!', 'a', 'b']);
  const nested = compile('[[1], [2, 3]].map(x, x.map(y, y * 10))', { variables: {} });
  t.strictSame(toJson(nested.evaluate({}).value), [[10], [20, 30]]);
  t.strictSame(toJson(nested.evaluate({}).value), [[10], [20, 30]]);
  t.end();
});

t.test('values come out as JSON', (t) => {
  const json = (expression: string): unknown => toJson(compile(expression, { variables: {}, types: mutationTypes }).evaluate({}).value);
  t.strictSame(json("{'a': dyn([dyn(1), dyn(2.5), dyn(true), dyn(null)]), 'b': dyn({'c': 1u})}"), { a: [1, 2.5, true, null], b: { c: 1 } });
  t.strictSame(json("[b'hello']"), ['aGVsbG8=']);
  t.strictSame(json("duration('90m')"), '5400s');
  t.strictSame(json("timestamp('2024-01-01T00:00:00Z')"), '2024-01-01T00:00:00Z');
  t.strictSame(json("[JSONPatch{op: 'add', path: '/a', value: Object.a{b: [1]}}]"), [{ op: 'add', path: '/a', value: { b: [1] } }]);
  t.ok(errorOf(() => json("quantity('1')")) instanceof EvaluationError);
  t.end();
});

t.test('objects of a mutation are named by their place', (t) => {
  const problems = (expression: string): string[] => misnamedObjects(compile(expression, { variables: {}, types: mutationTypes }).evaluate({}).value);
  t.strictSame(problems('Object{spec: Object.spec{a: [Object.spec.a{b: 1}]}}'), []);
  t.strictSame(problems('Object{spec: Object.metadata{}}'), ['unexpected type name "Object.metadata", expected "Object.spec", which matches field name path from root Object type']);
  t.end();
});

t.test('the authorizer is asked what its chain says', (t) => {
  const asked: AuthorizerQuery[] = [];
  const port = { authorize: (query: AuthorizerQuery) => { asked.push(query); return { allowed: query.verb === 'get', reason: `may ${query.verb}` }; } };
  const variables = { authorizer: AUTHORIZER, 'authorizer.requestResource': RESOURCE_CHECK };
  const given = { authorizer: authorizerValue(port), 'authorizer.requestResource': resourceCheckValue(port, { group: 'apps', resource: 'deployments', subresource: '', namespace: 'ns', name: 'x' }) };
  const run = (expression: string): unknown => compile(expression, { variables }).evaluate(given).value;
  t.equal(run("authorizer.group('').resource('pods').subresource('log').namespace('a').name('b').check('get').allowed()"), true);
  t.match(asked.pop(), { isResource: true, group: '', version: '*', resource: 'pods', subresource: 'log', namespace: 'a', name: 'b', verb: 'get' });
  t.equal(run("authorizer.path('/healthz').check('post').reason()"), 'may post');
  t.match(asked.pop(), { isResource: false, path: '/healthz', verb: 'post' });
  t.equal(run("authorizer.requestResource.check('get').allowed()"), true, 'a name may be a path of names');
  t.match(asked.pop(), { resource: 'deployments', name: 'x' });
  t.throws(() => run("authorizer.serviceAccount('NS', 'sa').group('').resource('pods').check('get').allowed()"), { message: 'Invalid service account namespace' });
  t.equal(run("authorizer.group('').resource('pods').check('delete').errored()"), false);
  t.ok(errorOf(() => run("['get', 'get', 'get'].all(v, authorizer.requestResource.check(v).allowed())")) instanceof CostLimitError, 'two checks are what a call can pay for');
  t.end();
});

t.test('rules may stand at any schema', (t) => {
  const holds = (schema: TypeSchema, rule: string, self: unknown): unknown => compile(rule, { variables: { self: schemaType(schema) ?? DYN } }).evaluate({ self }).value;
  t.equal(holds({ type: 'array', items: { type: 'number' } }, 'self.sum() == 3.0', [1, 2]), true);
  t.equal(holds({ type: 'string', format: 'date-time' }, "self < timestamp('2024-06-01T00:00:00Z')", '2024-01-01T00:00:00Z'), true);
  t.equal(holds({ type: 'object', additionalProperties: { type: 'integer' } }, 'self.all(k, self[k] > 0)', { 'any-key': 1 }), true);
  t.equal(holds({ 'x-kubernetes-int-or-string': true }, "type(self) == int ? self > 0 : self.endsWith('%')", '5%'), true);
  t.equal(schemaType({ 'x-kubernetes-preserve-unknown-fields': true } as TypeSchema), undefined);
  t.equal(maxCardinality(schemaType({ type: 'object', required: ['a'], properties: { a: { type: 'string' } } }) ?? DYN), 314572);
  t.end();
});

t.test('a rule without bounds may cost too much, one with bounds does not', (t) => {
  const estimate = (schema: TypeSchema, rule: string): number => compile(rule, { variables: { self: schemaType(schema) ?? DYN } }).estimateCost().max;
  const rule = 'self.all(a, self.all(b, a == b))';
  t.ok(estimate({ type: 'array', items: { type: 'string' } }, rule) > 10_000_000);
  t.ok(estimate({ type: 'array', maxItems: 10, items: { type: 'string', maxLength: 10 } }, rule) < 10_000);
  t.end();
});

t.test('built-in kinds have types too', (t) => {
  const schemas = loadSchemas();
  const deployment = schemas.byKind('apps', 'v1', 'Deployment');
  const object = deployment === undefined ? DYN : definitionType(deployment, schemas);
  const check = (expression: string): CelType => compile(expression, { variables: { object } }).outputType;
  t.equal(check('object.spec.replicas > 1 && object.metadata.creationTimestamp.getFullYear() > 2000').kind, 'bool');
  t.equal(check('object.spec.template.spec.containers.map(c, c.image)').kind, 'list');
  t.throws(() => check('object.spec.replicas > "1"'), /no matching overload for '_>_' applied to '\(int, string\)'/);
  t.throws(() => check('object.spec.nope'), /undefined field 'nope'/);
  t.end();
});

t.test('no expression can hang the server or fill its memory', (t) => {
  const program = compile("s.matches('^(a+)+$')", { variables: { s: STRING } });
  t.equal(program.evaluate({ s: `${'a'.repeat(20_000)}b` }).value, false);
  t.equal(compile('b', { variables: { b: BOOL } }).evaluate({ b: true }).value, true);
  const big = { s: 'a'.repeat(1_000_000), l: Array.from({ length: 100_000 }, (_, index) => index) };
  for (const expression of ["s.replace('', s)", 'l.distinct()', 'l.map(x, s).join()', "'%s'.format([l.map(x, s)])", 'lists.range(1000000000)', 'sets.contains(l, l)']) {
    t.ok(errorOf(() => compile(expression, { variables: { s: STRING, l: listOf(INT) } }).evaluate(big)) instanceof CostLimitError, expression);
  }
  t.end();
});

function errorOf(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}
