import t from 'tap';
import { applyDefaults, pruneUnknown } from '../../../internal/api/defaults.ts';
import { parseJson } from '../../../internal/api/json.ts';
import { addQuantities, canonicalQuantity, quantityMilliValue, quantityValue } from '../../../internal/api/quantity.ts';
import { loadSchemas, type Definition } from '../../../internal/api/schema.ts';
import { parseFieldSelector, parseLabelSelector, selectorOf } from '../../../internal/api/selectors.ts';
import { checkShape } from '../../../internal/api/shape.ts';
import { formatYaml, parseYaml } from '../../../internal/api/yaml.ts';

const schemas = loadSchemas();
const pod = schemas.byKind('', 'v1', 'Pod') as Definition;
const deployment = schemas.byKind('apps', 'v1', 'Deployment') as Definition;

t.test('quantities have upstream\'s canonical form', async (t) => {
  const forms = { '1.5Gi': '1536Mi', '0.5': '500m', '1000': '1k', '1e3': '1e3', '0.1n': '1n', '1048576Ki': '1Gi', '-1.5': '-1500m', '0.1Gi': '107374182400m', '0': '0' };
  for (const [given, canonical] of Object.entries(forms)) t.equal(canonicalQuantity(given), canonical, given);
  for (const bad of ['', 'a', '1x', '1 Gi', '--1']) t.throws(() => canonicalQuantity(bad), /quantities must match/);
  t.equal(addQuantities('100m', '1'), '1100m');
  t.equal(quantityValue('1500m'), 2);
  t.equal(quantityMilliValue('0.1'), 100);
});

t.test('selectors follow upstream\'s grammar', async (t) => {
  t.ok(parseLabelSelector('app=web,tier in (a, b),!legacy').matches({ app: 'web', tier: 'b' }));
  t.notOk(parseLabelSelector('app!=web').matches({ app: 'web' }));
  t.ok(parseLabelSelector('app notin (x)').matches(undefined));
  t.equal(parseLabelSelector('a=b,c in (y, x)').text, 'a=b,c in (x,y)');
  t.throws(() => parseLabelSelector('a in b'), { reason: 'BadRequest', message: "unable to parse requirement: found 'b' expected: '('" });
  t.notOk(selectorOf(undefined).matches({}));
  t.ok(selectorOf({}).matches({}));
  t.ok(parseFieldSelector('metadata.name=web,status.phase!=Running').matches({ 'metadata.name': 'web', 'status.phase': 'Failed' }));
  t.throws(() => parseFieldSelector('foo'), { message: "invalid selector: 'foo'; can't understand 'foo'" });
});

t.test('JSON errors are worded as Go\'s; duplicates come with their path', async (t) => {
  t.throws(() => parseJson('{"a":1,}'), { message: "invalid character '}' looking for beginning of object key string" });
  t.throws(() => parseJson('{'), { message: 'unexpected end of JSON input' });
  const duplicates: string[] = [];
  parseJson('{"a":{"b":[{"c":1,"c":2}]},"a":2}', (path) => duplicates.push(path));
  t.strictSame(duplicates, ['a.b[0].c', 'a']);
});

t.test('YAML is read as Go reads it', async (t) => {
  t.strictSame(parseYaml('a: yes\nb: 0777\nc: 12:30:45\nd: 2020-01-01\ne: 1e3\n1: ~'), { 1: null, a: true, b: 511, c: '12:30:45', d: '2020-01-01', e: 1000 });
  for (const half of ['a: "\\ud800"', '"\\udfff": b']) t.throws(() => parseYaml(half), { message: 'yaml: line 1: found invalid Unicode character escape code' });
  t.strictSame(parseYaml(formatYaml({ a: 'yes', b: ['0777', null], c: 'x\ny\n' })), { a: 'yes', b: ['0777', null], c: 'x\ny\n' });
});

t.test('a wrong type is Go\'s error, an unknown field is named with its path', async (t) => {
  const shape = checkShape(deployment, { spec: { replicas: 'three', template: { spec: { containers: [{ name: 1, foo: 2 }] } } } }, schemas);
  t.strictSame(shape.errors.map(({ message }) => message), [
    'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    'json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.name of type string',
  ]);
  t.strictSame(shape.unknown, ['spec.template.spec.containers[0].foo']);
});

t.test('defaults: what Go\'s types make of an object', async (t) => {
  const draft = { metadata: { name: 'a', labels: {} }, spec: { nodeName: '', hostNetwork: false, containers: [{ name: 'c', ports: [{ containerPort: 80 }], resources: { limits: { memory: '1024Mi' } } }], terminationGracePeriodSeconds: 0 } };
  applyDefaults(pod, draft, schemas);
  t.strictSame(draft, {
    metadata: { name: 'a' }, status: {},
    spec: { containers: [{ name: 'c', ports: [{ containerPort: 80, protocol: 'TCP' }], resources: { limits: { memory: '1Gi' } } }], terminationGracePeriodSeconds: 0 },
  });
  const unknown = { spec: { foo: 1, containers: [{ bar: 1 }] } };
  pruneUnknown(pod, unknown, schemas);
  t.strictSame(unknown, { spec: { containers: [{}] } });
});
