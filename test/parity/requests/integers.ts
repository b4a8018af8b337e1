// Whole numbers beyond 2^53: no digit is lost in any form, and what does not fit 64 bits is a float.
import type { Row } from '../exchange.ts';
import { APPS, get, NS, patch, post, put, remove, TABLE } from '../rows.ts';

const GROUP = '{ns}.integers.example.com';
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const SUMS = `/apis/${GROUP}/v1/namespaces/{ns}/sums`;

const integer = { type: 'integer' };
const SPEC = {
  type: 'object',
  properties: {
    n: integer, f: { type: 'number' }, i: { 'x-kubernetes-int-or-string': true }, small: { type: 'integer', format: 'int32' }, long: { type: 'integer', format: 'int64' }, min: { type: 'integer', minimum: 9007199254740994, maximum: 9223372036854775000 },
    even: { type: 'integer', multipleOf: 2 }, any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, set: { type: 'array', 'x-kubernetes-list-type': 'set', items: integer },
    rule: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self == 9007199254740993', message: 'another' }] }, kept: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] },
  },
};
const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `sums.${GROUP}` },
  spec: {
    group: GROUP, scope: 'Namespaced', names: { plural: 'sums', kind: 'Sum' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { spec: SPEC } } }, additionalPrinterColumns: [{ name: 'N', type: 'integer', jsonPath: '.spec.n' }, { name: 'F', type: 'number', jsonPath: '.spec.f' }, { name: 'S', type: 'string', jsonPath: '.spec.n' }] }],
  },
};
const sum = (name: string, spec: string): string => `{"apiVersion":"${GROUP}/v1","kind":"Sum","metadata":{"name":"${name}"},"spec":${spec}}`;
const bad = (name: string, spec: string): Row => post(`integers: ${name}`, `${SUMS}?dryRun=All`, sum('bad', spec));
const merge = (name: string, spec: string): Row => patch(`integers: ${name}`, `${SUMS}/one`, `{"spec":${spec}}`, 'merge');
const pod = (name: string, spec: string): Row => post(`integers: pod with ${name}`, `${NS}/pods?dryRun=All`, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"big"},"spec":{"containers":[{"name":"web","image":"example.test/web:1"}],${spec}}}`);

export const INTEGERS: readonly Row[] = [
  post('integers: definition', CRDS, DEFINITION),
  get('integers: served', SUMS, { until: 200 }),
  post('integers: made', SUMS, sum('one', '{"n":9007199254740993,"f":9007199254740993,"i":5,"long":-9223372036854775808,"min":9007199254740995,"even":9007199254740994,"any":{"a":[9223372036854775807,9223372036854775808,-9007199254740993,1e20,9007199254740993.0]},"set":[9007199254740993,9007199254740992],"rule":9007199254740993,"kept":9007199254740993}'), { managed: true }),
  get('integers: read', `${SUMS}/one`), get('integers: yaml', `${SUMS}/one`, { accept: 'application/yaml' }), get('integers: table', SUMS, { accept: TABLE }), get('integers: list', SUMS),
  merge('the same', '{"n":9007199254740993}'), merge('one more', '{"n":9007199254740994}'), merge('kept', '{"kept":9007199254740992}'), merge('rule', '{"rule":9007199254740992}'),
  patch('integers: json test', `${SUMS}/one`, '[{"op":"test","path":"/spec/kept","value":9007199254740992}]', 'json'), patch('integers: json replace', `${SUMS}/one`, '[{"op":"test","path":"/spec/kept","value":9007199254740993},{"op":"replace","path":"/spec/n","value":9007199254740995}]', 'json'),
  patch('integers: apply', `${SUMS}/two?fieldManager=me`, sum('two', '{"n":9007199254740993,"set":[9007199254740993,9007199254740992]}'), 'apply', { managed: true }),
  patch('integers: apply yaml', `${SUMS}/two?fieldManager=me`, `apiVersion: ${GROUP}/v1\nkind: Sum\nmetadata: {name: two}\nspec: {n: 9007199254740995, set: [9007199254740993]}\n`, 'apply', { managed: true }),
  patch('integers: apply, conflict', `${SUMS}/two?fieldManager=you`, sum('two', '{"n":9007199254740996,"set":[9007199254740994]}'), 'apply'),
  bad('too large', '{"n":9223372036854775808}'), bad('beyond int32', '{"small":9007199254740993}'), bad('below minimum', '{"min":9007199254740993}'), bad('above maximum', '{"min":9223372036854775807}'), bad('no multiple', '{"even":9007199254740993}'), bad('int or string', '{"i":9007199254740993}'),
  bad('twice in a set', '{"set":[9007199254740993,9007199254740993]}'), bad('type', '{"n":"9007199254740993"}'), bad('a float that is whole', '{"n":9007199254740993.0}'), bad('exponent', '{"n":1e3}'), bad('minus zero', '{"n":-0}'),
  pod('a long grace period', '"terminationGracePeriodSeconds":9007199254740993'), pod('a longer grace period', '"terminationGracePeriodSeconds":9223372036854775808'), pod('a deadline', '"activeDeadlineSeconds":9007199254740993'),
  pod('a user', '"securityContext":{"runAsUser":9007199254740993}'), pod('a toleration', '"tolerations":[{"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":9007199254740993}]'), pod('a port', '"hostNetwork":true,"initContainers":[{"name":"b","image":"b","ports":[{"containerPort":9007199254740993}]}]'),
  pod('a quantity', '"overhead":{"cpu":9007199254740993}'),
  post('integers: job', '/apis/batch/v1/namespaces/{ns}/jobs?dryRun=All', '{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"big"},"spec":{"activeDeadlineSeconds":9223372036854775807,"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"web","image":"example.test/web:1"}]}}}}'),
  post('integers: service', `${NS}/services?dryRun=All`, '{"apiVersion":"v1","kind":"Service","metadata":{"name":"big"},"spec":{"ports":[{"port":80,"targetPort":9007199254740993}]}}'),
  post('integers: revision', `${APPS}/controllerrevisions`, '{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"name":"big"},"revision":9007199254740993,"data":{"a":9007199254740993}}'),
  get('integers: revision, protobuf', `${APPS}/controllerrevisions/big`, { accept: 'application/vnd.kubernetes.protobuf' }), get('integers: revision, table', `${APPS}/controllerrevisions`, { accept: TABLE }),
  patch('integers: revision, data', `${APPS}/controllerrevisions/big`, '{"data":{"a":9007199254740992}}', 'merge'), patch('integers: revision, number', `${APPS}/controllerrevisions/big`, '{"revision":9007199254740994}', 'strategic'),
  put('integers: put', `${SUMS}/one`, sum('one', '{"n":9007199254740993}')),
  remove('integers: revision gone', `${APPS}/controllerrevisions/big`), remove('integers: definition gone', `${CRDS}/sums.${GROUP}`),
];
