// Priority and fairness: who is counted to what, whose turn it is, and what happens to those who may not wait.
import t from 'tap';
import { AUTHENTICATED_GROUP, MASTERS_GROUP } from '../../../internal/api/user.ts';
import { bootstrapPolicy } from '../../../internal/authz/bootstrap-policy.ts';
import { systemRandom } from '../../../internal/base/random.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import { createFairness, type Fairness, type Seat } from '../../../internal/http/fairness/index.ts';
import { handOf } from '../../../internal/http/fairness/priority-level.ts';
import { loadKinds } from '../../../internal/kinds/index.ts';
import { createRegistry } from '../../../internal/registry/generic-registry.ts';
import { createMemoryStore } from '../../../internal/store/memory.ts';
import type { Attributes } from '../../../internal/authz/attributes.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const GROUP = 'flowcontrol.apiserver.k8s.io';

async function scene(seats?: number) {
  const clock = createFakeClock();
  const schemas = loadSchemas();
  const kinds = loadKinds(schemas);
  const store = createMemoryStore({ clock });
  const registry = createRegistry({ store, schemas, clock, random: systemRandom });
  await bootstrapPolicy({ registry, kinds });
  const names = new Map<string, string>();
  for (const resource of ['flowschemas', 'prioritylevelconfigurations']) store.list({ group: GROUP, resource }, { visit: ({ metadata }) => Boolean(names.set(metadata.uid, metadata.name)) });
  const fairness = createFairness({ store, clock, ...(seats !== undefined && { seats }) });
  const counted = ({ headers }: Seat): string => `${names.get(headers['x-kubernetes-pf-flowschema-uid'] ?? '') ?? ''} ${names.get(headers['x-kubernetes-pf-prioritylevel-uid'] ?? '') ?? ''}`;
  return { clock, store, kinds, registry, fairness, counted };
}

function asked(username: string, groups: string[], change: Partial<Attributes> = {}): Attributes {
  return { user: { username, groups: [...groups, AUTHENTICATED_GROUP] }, verb: 'list', isResource: true, path: '', group: '', version: 'v1', resource: 'pods', subresource: '', namespace: 'default', name: '', fieldSelector: '', ...change };
}

const never = (): AbortSignal => new AbortController().signal;
const enter = (fairness: Fairness, who: Attributes, gone = never): Promise<Seat> => Promise.resolve().then(() => fairness.enter(who, gone));

t.test("requests are counted as upstream's suggested configuration has it", async (t) => {
  const { fairness, counted } = await scene();
  const table: [Attributes, string][] = [
    [asked('admin', [MASTERS_GROUP]), 'exempt exempt'],
    [asked('system:anonymous', [], { user: { username: 'system:anonymous', groups: ['system:unauthenticated'] }, isResource: false, path: '/livez', verb: 'get', namespace: '' }), 'probes exempt'],
    [asked('system:node:n1', ['system:nodes'], { resource: 'nodes', subresource: 'status', verb: 'patch', namespace: '', name: 'n1' }), 'system-node-high node-high'],
    [asked('system:node:n1', ['system:nodes'], { group: 'coordination.k8s.io', resource: 'leases', verb: 'update', namespace: 'kube-node-lease' }), 'system-node-high node-high'],
    [asked('system:node:n1', ['system:nodes']), 'system-nodes system'],
    [asked('system:kube-scheduler', []), 'kube-scheduler workload-high'],
    [asked('system:serviceaccount:kube-system:x', ['system:serviceaccounts']), 'kube-system-service-accounts workload-high'],
    [asked('system:serviceaccount:shop:x', ['system:serviceaccounts']), 'service-accounts workload-low'],
    [asked('jane', []), 'global-default global-default'],
  ];
  for (const [who, wanted] of table) t.equal(counted(await enter(fairness, who)), wanted, `${who.user.username} ${who.verb} ${who.resource}${who.path}`);
});

t.test('a flood of one flow leaves others their turn, and a level full of waiters says so', async (t) => {
  const { fairness } = await scene(40);
  const jane = asked('jane', []);
  const inHand: Seat[] = [];
  const order: string[] = [];
  const refusals: { reason: string; details: object }[] = [];
  const flood = Array.from({ length: 3000 }, () => enter(fairness, jane).then((seat) => { order.push('jane'); inHand.push(seat); }, (error: { reason: string; details: object }) => void refusals.push(error)));
  await new Promise((resolve) => setImmediate(resolve));
  const first = inHand.length;
  t.ok(first > 0 && refusals.length > 0, `${String(first)} let in, ${String(refusals.length)} refused`);
  t.match(refusals[0], { reason: 'TooManyRequests', details: { retryAfterSeconds: 1 } });
  const other = enter(fairness, asked('joe', [])).then((seat) => { order.push('joe'); inHand.push(seat); });
  const node = await enter(fairness, asked('system:node:n1', ['system:nodes']));
  node.leave();
  t.pass('another level is not held up');
  for (let turns = 0; turns < 20 && !order.includes('joe'); turns++) {
    inHand.shift()?.leave();
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.ok(order.includes('joe'), 'one who does not flood waits for a few turns only');
  await other;
  while (inHand.length > 0) {
    inHand.shift()?.leave();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(flood);
  t.same([fairness.reading, fairness.writing], [0, 0]);
});

t.test('who has waited for a quarter of a minute is told to come again; who goes away gives up its place', async (t) => {
  const { fairness, clock, counted } = await scene(1);
  const jane = asked('jane', []);
  const held: Seat[] = [];
  for (;;) {
    const seat = fairness.enter(jane, never);
    if (seat instanceof Promise) {
      const late = t.rejects(seat, /too many requests/);
      const leaving = new AbortController();
      const gone = t.rejects(Promise.resolve(fairness.enter(jane, () => leaving.signal)), /went home/);
      leaving.abort(new Error('went home'));
      await gone;
      await clock.advance(16_000);
      await late;
      break;
    }
    held.push(seat);
  }
  t.equal(counted(held[0] as Seat), 'global-default global-default');
});

t.test('changes of the configuration hold at once', async (t) => {
  const { fairness, counted, registry, kinds } = await scene();
  const kind = kinds.byResource(GROUP, 'v1', 'flowschemas');
  if (kind === undefined) throw new Error('no flowschemas');
  const schema = { apiVersion: `${GROUP}/v1`, kind: 'FlowSchema', metadata: { name: 'jane' }, spec: { matchingPrecedence: 100, priorityLevelConfiguration: { name: 'exempt' }, rules: [{ subjects: [{ kind: 'User', user: { name: 'jane' } }], resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['pods'], namespaces: ['default'] }] }] } };
  await registry.create(kind, schema as never, { user: { username: 'admin', groups: [] }, dryRun: false, subresource: '' });
  const { metadata } = registry.get(kind, { namespace: '', name: 'jane' });
  t.equal((await enter(fairness, asked('jane', []))).headers['x-kubernetes-pf-flowschema-uid'], metadata.uid);
  t.equal(counted(await enter(fairness, asked('jane', [], { namespace: 'other' }))), 'global-default global-default');
});

t.test('a hand is of different queues, the same each time', async (t) => {
  for (const flow of ['a/x', 'a/y', 'b/']) {
    const hand = handOf(flow, 64, 8);
    t.same(handOf(flow, 64, 8), hand);
    t.equal(new Set(hand).size, 8);
    t.ok(hand.every((at) => at >= 0 && at < 64));
  }
  t.not(handOf('a/x', 64, 8).join(), handOf('a/y', 64, 8).join());
  t.same(handOf('a/x', 0, 8), []);
});
