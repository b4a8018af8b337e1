// What stands at the edge of the forms: characters written in halves, other escapes, documents as deep as is allowed, overheads that are none.
import type { Row } from '../exchange.ts';
import { NS, patch, pod, post, remove } from '../rows.ts';

const CM = `${NS}/configmaps?dryRun=All`;
const CLASSES = '/apis/node.k8s.io/v1/runtimeclasses';
const yaml = { contentType: 'application/yaml' };
const inYaml = (name: string, data: string): Row => post(`edges: yaml, ${name}`, CM, `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: edge}\ndata:\n  ${data}\n`, yaml);
const runtimeClass = (name: string, overhead: object): Row => post(`edges: class, ${name}`, `${CLASSES}?dryRun=All`, { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'edge' }, handler: 'x', overhead });

export const EDGES: readonly Row[] = [
  inYaml('a character', 'a: "\u{1F600}"'), inYaml('a character by its number', 'a: "\\U0001F600"'), inYaml('a character in halves', 'a: "\\ud83d\\ude00"'), inYaml('half a character', 'a: "\\ud83d"'), inYaml('halves as they are', "a: '\\ud83d\\ude00'"), inYaml('halves in a block', 'a: |\n    {"a":"\\ud83d\\ude00"}'), inYaml('escapes', 'a: "\\x41\\u00e9\\_\\N\\L\\P\\e\\0"'),
  post('edges: json, a character in halves', CM, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"edge"},"data":{"a":"\\ud83d\\ude00"}}'), post('edges: json, half a character', CM, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"edge"},"data":{"a":"\\ud83d","b":"\\ude00x"}}'),
  ...[100, 500, 990].flatMap((depth) => [
    post(`edges: ${String(depth)} lists deep`, CM, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"edge"},"odd":${'['.repeat(depth)}${']'.repeat(depth)}}`),
    post(`edges: ${String(depth)} objects deep`, CM, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"edge"},"odd":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`),
    patch(`edges: a patch ${String(depth)} lists deep`, `${NS}/configmaps/one?dryRun=All`, `{"odd":${'['.repeat(depth)}${']'.repeat(depth)}}`, 'merge'),
  ]),
  runtimeClass('no overhead', {}), runtimeClass('empty overhead', { podFixed: {} }), runtimeClass('overhead', { podFixed: { cpu: '0.01' } }),
  post('edges: pod, overhead null', `${NS}/pods?dryRun=All`, pod('edge', { overhead: null })), post('edges: pod, overhead', `${NS}/pods?dryRun=All`, pod('edge', { overhead: { cpu: '10m' } })),
  post('edges: pod, overhead of nothing', `${NS}/pods?dryRun=All`, pod('edge', { overhead: {} })), post('edges: pod, overhead of nothing, and no containers', `${NS}/pods?dryRun=All`, pod('edge', { overhead: {}, containers: [] })),
  post('edges: pod, overhead of nothing, in yaml', `${NS}/pods?dryRun=All`, 'apiVersion: v1\nkind: Pod\nmetadata: {name: edge}\nspec: {overhead: {}, containers: [{name: a, image: b}]}\n', yaml), patch('edges: pod, overhead of nothing, applied', `${NS}/pods/edge?dryRun=All&fieldManager=me`, pod('edge', { overhead: {} }), 'apply'),
  patch('edges: pod, overhead of nothing, later', `${NS}/pods/web?dryRun=All`, { spec: { overhead: {} } }, 'merge'),
  post('edges: a class of no overhead', CLASSES, { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: '{ns}-none' }, handler: 'x', overhead: {} }), post('edges: a class', CLASSES, { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: '{ns}-over' }, handler: 'x', overhead: { podFixed: { cpu: '10m' } } }),
  ...['none', 'over'].flatMap((name) => [{}, { cpu: '0.01' }, { cpu: '11m' }].map((overhead) => post(`edges: pod of ${name}, overhead ${JSON.stringify(overhead)}`, `${NS}/pods?dryRun=All`, pod('edge', { overhead, runtimeClassName: `{ns}-${name}` })))),
  remove('edges: class of no overhead gone', `${CLASSES}/{ns}-none`), remove('edges: class gone', `${CLASSES}/{ns}-over`),
  post('edges: pod, overhead of no class', `${NS}/pods?dryRun=All`, pod('edge', { overhead: {}, runtimeClassName: 'none' })),
];
