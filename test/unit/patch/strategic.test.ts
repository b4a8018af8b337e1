// Strategic merge patches against the real schemas: a table of documents, patches and what becomes of them.
import t from 'tap';
import { StatusError } from '../../../internal/base/errors.ts';
import { applyStrategicMerge } from '../../../internal/api/patch/strategic.ts';
import { loadSchemas, type Definition } from '../../../internal/api/schema.ts';

const schemas = loadSchemas();
const kind = (group: string, name: string): Definition => {
  const definition = schemas.byKind(group, 'v1', name);
  if (definition === undefined) throw new Error(`no ${name}`);
  return definition;
};
const POD = kind('', 'Pod');
const DEPLOYMENT = kind('apps', 'Deployment');
const containers = (...names: string[]): object[] => names.map((name) => ({ name, image: `${name}:1` }));

interface Case { says: string; definition?: Definition; document: unknown; patch: unknown; becomes?: unknown; fails?: string; reason?: string }

const CASES: Case[] = [
  { says: 'members are replaced, added and removed by null', document: { metadata: { labels: { a: '1', b: '2' } } }, patch: { metadata: { labels: { a: '3', b: null, c: '4' } } }, becomes: { metadata: { labels: { a: '3', c: '4' } } } },
  { says: 'null for what is not there does nothing, at any depth', document: {}, patch: { metadata: { labels: { a: null, b: '1' } }, spec: null }, becomes: { metadata: { labels: { b: '1' } } } },
  { says: 'containers merge by name', document: { spec: { containers: containers('a', 'b') } }, patch: { spec: { containers: [{ name: 'b', image: 'b:2', tty: true }] } }, becomes: { spec: { containers: [{ name: 'a', image: 'a:1' }, { name: 'b', image: 'b:2', tty: true }] } } },
  { says: 'an item not yet there is added, before what the patch does not name', document: { spec: { containers: containers('a') } }, patch: { spec: { containers: [{ name: 'z', image: 'z', tty: null }] } }, becomes: { spec: { containers: [{ name: 'z', image: 'z' }, { name: 'a', image: 'a:1' }] } } },
  { says: '$setElementOrder gives the order', document: { spec: { containers: containers('a', 'b', 'c') } }, patch: { spec: { '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }], containers: [{ name: 'c', image: 'c:2' }] } }, becomes: { spec: { containers: [{ name: 'b', image: 'b:1' }, { name: 'c', image: 'c:2' }, { name: 'a', image: 'a:1' }] } } },
  { says: '$setElementOrder keeps items of others near where they stood', document: { spec: { containers: containers('x', 'a', 'y', 'b') } }, patch: { spec: { '$setElementOrder/containers': [{ name: 'a' }, { name: 'b' }, { name: 'n' }], containers: [{ name: 'n', image: 'n' }] } }, becomes: { spec: { containers: [...containers('x', 'a', 'y', 'b'), { name: 'n', image: 'n' }] } } },
  { says: '$setElementOrder alone reorders', document: { spec: { containers: containers('a', 'b') } }, patch: { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] } }, becomes: { spec: { containers: containers('b', 'a') } } },
  { says: '$setElementOrder for a list that is not there yet', document: { spec: {} }, patch: { spec: { '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'a' }, { name: 'gone', $patch: 'delete' }] } }, becomes: { spec: { containers: [{ name: 'a' }] } } },
  { says: '$setElementOrder without any list says nothing', document: { spec: {} }, patch: { spec: { '$setElementOrder/containers': [{ name: 'a' }] } }, becomes: { spec: {} } },
  { says: '$patch: delete takes an item out', document: { spec: { containers: containers('a', 'b') } }, patch: { spec: { '$setElementOrder/containers': [{ name: 'b' }], containers: [{ name: 'a', $patch: 'delete' }] } }, becomes: { spec: { containers: containers('b') } } },
  { says: '$patch: replace in a list replaces it', document: { spec: { containers: containers('a', 'b') } }, patch: { spec: { containers: [{ name: 'c' }, { $patch: 'replace' }] } }, becomes: { spec: { containers: [{ name: 'c' }] } } },
  { says: '$patch: replace in an object replaces it', document: { metadata: { labels: { a: '1' } } }, patch: { metadata: { labels: { $patch: 'replace', b: '2' } } }, becomes: { metadata: { labels: { b: '2' } } } },
  { says: '$patch: delete in an object empties it', document: { metadata: { labels: { a: '1' } } }, patch: { metadata: { labels: { $patch: 'delete' } } }, becomes: { metadata: { labels: {} } } },
  { says: 'a directive that meets nothing leaves nothing', document: { metadata: {} }, patch: { metadata: { labels: { $patch: 'delete' } } }, becomes: { metadata: {} } },
  { says: '$retainKeys keeps only what it names', definition: DEPLOYMENT, document: { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } }, patch: { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }, becomes: { spec: { strategy: { type: 'Recreate' } } } },
  { says: 'volumes change their source by $retainKeys', document: { spec: { volumes: [{ name: 'v', emptyDir: {} }, { name: 'w', emptyDir: {} }] } }, patch: { spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'configMap'], configMap: { name: 'c' } }] } }, becomes: { spec: { volumes: [{ name: 'v', configMap: { name: 'c' } }, { name: 'w', emptyDir: {} }] } } },
  { says: 'lists of primitives with merge are united', document: { metadata: { finalizers: ['a', 'b'] } }, patch: { metadata: { finalizers: ['c', 'b'] } }, becomes: { metadata: { finalizers: ['c', 'a', 'b'] } } },
  { says: '$deleteFromPrimitiveList takes primitives out', document: { metadata: { finalizers: ['a', 'b', 'c'] } }, patch: { metadata: { '$deleteFromPrimitiveList/finalizers': ['b', 'x'], '$setElementOrder/finalizers': ['c', 'a'] } }, becomes: { metadata: { finalizers: ['c', 'a'] } } },
  { says: 'lists without a strategy are replaced', document: { spec: { containers: [{ name: 'a', args: ['x', 'y'] }] } }, patch: { spec: { containers: [{ name: 'a', args: ['z'] }] } }, becomes: { spec: { containers: [{ name: 'a', args: ['z'] }] } } },
  { says: 'an object with strategy replace is replaced', definition: kind('policy', 'PodDisruptionBudget'), document: { spec: { selector: { matchLabels: { a: '1' } } } }, patch: { spec: { selector: { matchLabels: { b: '2' } } } }, becomes: { spec: { selector: { matchLabels: { b: '2' } } } } },
  { says: 'ports merge by containerPort, numbers as keys', document: { spec: { containers: [{ name: 'a', ports: [{ containerPort: 80 }] }] } }, patch: { spec: { containers: [{ name: 'a', ports: [{ containerPort: 80, name: 'http' }] }] } }, becomes: { spec: { containers: [{ name: 'a', ports: [{ containerPort: 80, name: 'http' }] }] } } },
  { says: 'unknown members are taken, for the shape check to judge', document: {}, patch: { bogus: { a: 1 } }, becomes: { bogus: { a: 1 } } },
  { says: 'an unknown directive', document: { metadata: { labels: { a: '1' } } }, patch: { metadata: { labels: { $patch: 'explode', b: '2' } } }, reason: 'InternalError', fails: 'unknown patch type: explode in map: map[$patch:explode b:2]' },
  { says: 'an item without its key', document: { spec: { containers: containers('a') } }, patch: { spec: { containers: [{ image: 'x' }] } }, reason: 'InternalError', fails: 'map: map[image:x] does not contain declared merge key: name' },
  { says: '$retainKeys that lacks a member of the patch', definition: DEPLOYMENT, document: { spec: { strategy: {} } }, patch: { spec: { strategy: { $retainKeys: ['type'], rollingUpdate: {} } } }, reason: 'BadRequest', fails: 'invalid patch format of retainKeys' },
  { says: 'a patch in another order than it says', document: { spec: { containers: containers('a', 'b') } }, patch: { spec: { '$setElementOrder/containers': [{ name: 'a' }, { name: 'b' }], containers: [{ name: 'b' }, { name: 'a' }] } }, reason: 'InternalError', fails: "The order in patch list:\n[map[name:b] map[name:a]]\n doesn't match $setElementOrder list:\n[map[name:a] map[name:b]]\n" },
  { says: 'lists of lists', document: { metadata: { finalizers: [['a']] } }, patch: { metadata: { finalizers: ['b'] } }, reason: 'Invalid', fails: 'the server rejected our request due to an error in our request' },
  { says: 'an object where the schema knows no such field', document: { bogus: { a: 1 } }, patch: { bogus: { a: 2 } }, reason: 'InternalError', fails: 'unable to find api field in struct Pod for the json field "bogus"' },
  { says: 'a patch that is no object', document: {}, patch: [1], reason: 'BadRequest', fails: 'json: cannot unmarshal' },
];

for (const { says, definition = POD, document, patch, becomes, fails, reason } of CASES) {
  t.test(says, (t) => {
    const before = structuredClone(patch);
    try {
      const result = applyStrategicMerge(definition, structuredClone(document), patch, schemas);
      t.equal(fails, undefined, 'fails');
      t.strictSame(result, becomes);
    } catch (error) {
      if (!(error instanceof StatusError) || fails === undefined) throw error;
      t.equal(error.reason, reason);
      t.ok(error.message.startsWith(fails), error.message);
    }
    t.strictSame(patch, before, 'the patch is left as it was');
    t.end();
  });
}

t.test('members named like prototypes change nothing but the document', (t) => {
  const patch: unknown = JSON.parse('{"metadata":{"labels":{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}}}}');
  applyStrategicMerge(POD, { metadata: { labels: {} } }, patch, schemas);
  applyStrategicMerge(POD, {}, patch, schemas);
  t.equal(({} as Record<string, unknown>)['polluted'], undefined);
  t.end();
});
