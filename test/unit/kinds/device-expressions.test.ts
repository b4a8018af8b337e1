// Devices' selectors are compiled when they are written: what upstream's own tests of them estimate, and what it refuses in which words.
import t from 'tap';
import { loadSchemas } from '../../../internal/api/schema.ts';
import { compileDeviceExpression } from '../../../internal/kinds/resource/device-expressions.ts';
import { loadKinds } from '../../../internal/kinds/index.ts';
import type { Kind } from '../../../internal/kinds/kind.ts';

const kinds = loadKinds(loadSchemas());
const CONTEXT = { now: Date.UTC(2026, 0, 1) } as never;
const kind = (resource: string): Kind => kinds.byResource('resource.k8s.io', 'v1', resource) as Kind;

t.test('the cost of an expression is what upstream estimates', (t) => {
  const of = 'device.attributes["dra.example.com"]';
  const ten = '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]';
  const costs: readonly (readonly [string, number])[] = [
    ['"no-such-domain" in device.attributes', 3], ['device.driver == ""', 2], ['device.driver == "dra.example.com"', 4], [`${of}.name`, 4], [`${of}["name"]`, 4],
    ['cel.bind(dra, device.attributes["dra.example.com"], dra.name)', 15], [`${of}.name > 0`, 5], [`${of}.name == "fish"`, 5], [`${of}.name.isGreaterThan(semver("0.0.1"))`, 6],
    ['device.capacity["d"].name.isGreaterThan(quantity("1Ki"))', 6], ['"name" in device.capacity["d"] && device.capacity["d"].name.isGreaterThan(quantity("1Ki"))', 10],
    ['device.attributes.exists_one(x, x == "dra.example.com")', 164], [`${of}.exists_one(x, x == "services")`, 133], [`${of}.services.split("example").size() >= 2`, 19],
    [`${of}.services.matches("[^a]?sym")`, 18], ['device.capacity["d"].exists_one(x, x == "memory")', 133], ['device.allowMultipleAllocations == true', 3],
    [`${['x', 'y', 'z', 'z2', 'z3', 'z4', 'z5'].reduceRight((body, name) => `${ten}.all(${name}, ${body})`, "int('1'.find('[0-9]*')) < 100")}`, 85_555_551],
  ];
  for (const [expression, cost] of costs) t.equal(compileDeviceExpression(expression).estimateCost().max, cost, expression);
  t.end();
});

t.test('cel.bind needs a name, and is known of devices', (t) => {
  t.throws(() => compileDeviceExpression('cel.bind(1, 2, true)'), /cel\.bind\(\) variable names must be simple identifiers/);
  t.equal(compileDeviceExpression('cel.bind(a, 2, cel.bind(b, a + 1, b == 3))').evaluate({}).value, true);
  t.end();
});

t.test('a claim, a template of claims and a class are refused with what is wrong', (t) => {
  const told = (expression: string): string[][] => {
    const selectors = [{ cel: { expression } }];
    const spec = { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c', allocationMode: 'ExactCount', count: 1, selectors } }] } };
    const rows = [[kind('resourceclaims'), spec], [kind('resourceclaimtemplates'), { spec }], [kind('deviceclasses'), { selectors }]] as const;
    return rows.map(([{ rules }, of]) => [...(rules.validate?.({ metadata: { name: 'x' }, spec: of } as never, CONTEXT) ?? []), ...(rules.validateCreate?.({ metadata: { name: 'x' }, spec: of } as never, CONTEXT) ?? [])].map(({ type, field, detail }) => `${type} ${field}: ${detail ?? ''}`));
  };
  t.same(told('device.driver == "x"'), [[], [], []]);
  const places = ['spec.devices.requests[0].exactly.selectors[0].cel.expression', 'spec.spec.devices.requests[0].exactly.selectors[0].cel.expression', 'spec.selectors[0].cel.expression'];
  t.same(told('1'), places.map((place) => [`Invalid ${place}: must evaluate to bool or the unknown type, not int`]));
  t.same(told('x'.repeat(10_241)), places.map((place) => [`TooLong ${place}: may not be more than 10240 bytes`]));
  t.match(told('device.nothing'), places.map(() => [/^Invalid .*: compilation failed: ERROR: <input>:1:7: undefined field 'nothing'/]));
  t.match(told('?!'), places.map(() => [/compilation failed: .*Syntax error/s]));
  const loops = ['x', 'y', 'z'].reduceRight((body, name) => `device.attributes.all(${name}, ${body})`, 'device.attributes["d"].s.matches("a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p")');
  t.same(told(loops), places.map((place) => [`Forbidden ${place}: too complex, exceeds cost limit`]));
  t.end();
});
