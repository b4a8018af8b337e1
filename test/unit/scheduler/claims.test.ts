// ResourceClaims in the scheduler: which devices satisfy which requests, what a pass writes, what it says when there are none; and what the controller
// makes and takes back. All values.
import t from 'tap';
import type { Device, Node, Pod, ResourceClaimResourceV1, ResourceSlice } from '../../../internal/kinds/generated/api-types.ts';
import { planClaim, planPod } from '../../../internal/controllers/resource-claims.ts';
import { deviceMatches } from '../../../internal/scheduler/device-selectors.ts';
import { candidatesOn, findDevices, type Wanted } from '../../../internal/scheduler/device-search.ts';
import { schedule, type Decision, type SchedulingState } from '../../../internal/scheduler/pass.ts';

const DRIVER = 'd.example.com';
const device = (name: string, attributes: Device['attributes'] = {}, more: Partial<Device> = {}): Device => ({ name, attributes, ...more });
const slice = (node: string, devices: Device[], pool: Partial<ResourceSlice['spec']['pool']> = {}): ResourceSlice =>
  ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name: `${node}-s` }, spec: { driver: DRIVER, nodeName: node, pool: { name: node, generation: 1, resourceSliceCount: 1, ...pool }, devices } }) as unknown as ResourceSlice;
const node = (name: string): Node => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, uid: name }, spec: {}, status: { allocatable: { cpu: '2', memory: '4Gi', pods: '110' } } }) as unknown as Node;
const claim = (name: string, spec: object, more: object = {}): ResourceClaimResourceV1 => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name, namespace: 'n', uid: name }, spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c', allocationMode: 'ExactCount', count: 1 } }], ...spec } }, ...more }) as never;
const pod = (name: string, ...claims: string[]): Pod => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'n', uid: name, creationTimestamp: `2026-01-01T00:00:0${String(name.length)}Z` }, spec: { containers: [{ name: 'c', image: 'i' }], resourceClaims: claims.map((one) => ({ name: one, resourceClaimName: one })) }, status: { phase: 'Pending' } }) as never;

t.test('selectors see a device\'s driver, attributes and capacity; a domain it has nothing of is empty', (t) => {
  const one = device('a', { model: { string: 'x' }, 'other.com/n': { int: 5 }, v: { version: '1.2.3' }, b: { bool: true } }, { capacity: { memory: { value: '10Gi' } } });
  for (const expression of [
    `device.driver == "${DRIVER}"`, `device.attributes["${DRIVER}"].model == "x"`, 'device.attributes["other.com"].n >= 5', `device.attributes["${DRIVER}"].v.isGreaterThan(semver("1.0.0"))`,
    `device.attributes["${DRIVER}"].b`, `device.capacity["${DRIVER}"].memory.compareTo(quantity("10Gi")) == 0`, '!has(device.attributes["nowhere.com"].x)',
  ]) t.ok(deviceMatches(expression, DRIVER, one), expression);
  t.notOk(deviceMatches('device.driver == "x"', DRIVER, one));
  t.throws(() => deviceMatches('device.attributes["nowhere.com"].x == 1', DRIVER, one), /no such key: x/);
  t.throws(() => deviceMatches('device.nothing', DRIVER, one), /CEL compile error: device.nothing: .*undefined field 'nothing'/s);
  t.end();
});

t.test('only complete pools of the newest generation, and what the node can reach', (t) => {
  const names = (...slices: ResourceSlice[]): string[] => candidatesOn(node('a'), slices).map((one) => one.device.name);
  t.same(names(slice('a', [device('x')]), slice('b', [device('y')])), ['x']);
  t.same(names(slice('a', [device('x')], { resourceSliceCount: 2 })), []);
  t.same(names(slice('a', [device('old')]), slice('a', [device('new')], { generation: 2 })), ['new']);
  t.same(names(slice('a', [device('shared', {}, { consumesCounters: [{ counterSet: 'c', counters: {} }] })])), []);
  t.end();
});

t.test('requests are satisfied together, going back where a choice leads nowhere', (t) => {
  const wanted = (more: Partial<Wanted> = {}): Wanted => ({ request: 'r', selectors: [], tolerations: [], adminAccess: false, count: 1, ...more });
  const has = (name: string): Wanted['selectors'] => [{ cel: { expression: `has(device.attributes["${DRIVER}"].${name})` } }];
  const found = (claims: Parameters<typeof findDevices>[0], devices: Device[], inUse: string[] = []): string[][] | undefined =>
    findDevices(claims, candidatesOn(node('a'), [slice('a', devices)]), new Set(inUse.map((name) => `${DRIVER}/a/${name}`)))?.map((given) => given.map((one) => one.candidate.device.name));
  const [a, b, c] = [device('a', { x: { int: 1 }, zone: { string: '1' } }), device('b', { zone: { string: '2' } }), device('c', { zone: { string: '2' } })];
  t.same(found([{ requests: [[wanted()], [wanted({ selectors: has('x') })]], constraints: [] }], [a, b]), [['b', 'a']], 'the first leaves the second what only it can take');
  t.same(found([{ requests: [[wanted({ count: 2 })]], constraints: [{ matchAttribute: `${DRIVER}/zone` }] }], [a, b, c]), [['b', 'c']]);
  t.same(found([{ requests: [[wanted({ count: 2 })]], constraints: [{ distinctAttribute: `${DRIVER}/zone` }] }], [a, b, c]), [['a', 'b']]);
  t.same(found([{ requests: [[wanted({ count: 'all' })]], constraints: [] }], [a, b]), [['a', 'b']]);
  t.equal(found([{ requests: [[wanted({ count: 'all' })]], constraints: [] }], [a, b], ['b']), undefined);
  t.same(found([{ requests: [[wanted({ adminAccess: true })]], constraints: [] }], [a], ['a']), [['a']], 'an admin looks at what others use');
  t.same(found([{ requests: [[wanted({ request: 'r/much', count: 4 }), wanted({ request: 'r/less', count: 2 })]], constraints: [] }], [a, b, c]), [['a', 'b']], 'the first form that can be had');
  t.equal(found([{ requests: [[wanted()]], constraints: [] }], [device('sick', {}, { taints: [{ key: 'k', effect: 'NoSchedule' }] })]), undefined);
  t.same(found([{ requests: [[wanted({ tolerations: [{ key: 'k', operator: 'Exists' }] })]], constraints: [] }], [device('sick', {}, { taints: [{ key: 'k', effect: 'NoSchedule' }] })]), [['sick']]);
  t.end();
});

function state(nodes: Node[], pending: Pod[], claims: ResourceClaimResourceV1[], slices: ResourceSlice[]): SchedulingState {
  return {
    nodes, pending, podsOf: () => [], budgets: [], namespace: () => undefined, volumes: { claim: () => undefined, volume: () => undefined, storageClass: () => undefined, all: () => [], taken: new Set(), csi: { driver: () => undefined, node: () => undefined, attachedTo: () => [], capacities: () => [] } },
    claims: { claim: (_namespace, name) => claims.find(({ metadata }) => metadata.name === name), all: () => claims, slices: () => slices, deviceClass: (name) => (name === 'c' ? { spec: { config: [{ opaque: { driver: DRIVER, parameters: {} } }] } } as never : undefined), made: new Map() },
  };
}
const message = (decisions: Decision[]): string | undefined => decisions.map((decision) => (decision.type === 'reject' ? decision.condition.message : undefined)).find((text) => text !== undefined);

t.test('a pass gives devices once, and keeps a shared claim\'s pods together', (t) => {
  const claims = [claim('one', {}), claim('two', {}), claim('shared', {})];
  const decisions = schedule(state([node('a'), node('b')], [pod('p', 'one'), pod('pp', 'two'), pod('ppp', 'shared'), pod('pppp', 'shared')], claims, [slice('a', [device('x')]), slice('b', [device('y'), device('z')])]), 0);
  const bound = decisions.flatMap((decision) => (decision.type === 'bind' ? [decision] : []));
  t.equal(bound.length, 4);
  t.equal(new Set(bound.slice(0, 3).map(({ grants }) => grants?.[0]?.allocation?.devices?.results?.[0]?.device)).size, 3);
  t.equal(bound[2]?.node, bound[3]?.node);
  t.same(bound[3]?.grants?.[0]?.allocation, bound[2]?.grants?.[0]?.allocation);
  const { nodeSelector, devices } = bound[0]?.grants?.[0]?.allocation ?? {};
  t.same(nodeSelector, { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [bound[0]?.node] }] }] });
  t.match(devices, { results: [{ request: 'r', driver: DRIVER, pool: bound[0]?.node }], config: [{ source: 'FromClass', requests: ['r'], opaque: { driver: DRIVER } }] });
  t.end();
});

t.test('why a pod with claims fits nowhere', (t) => {
  const why = (claims: ResourceClaimResourceV1[], slices: ResourceSlice[] = [], one = pod('p', 'one')): string | undefined => message(schedule(state([node('a')], [one], claims, slices), 0))?.replace(/ (no new claims to deallocate|still not schedulable), preemption: .*/, '');
  t.equal(why([]), '0/1 nodes are available: resourceclaim.resource.k8s.io "one" not found.');
  t.equal(why([claim('one', {})]), '0/1 nodes are available: 1 cannot allocate all claims.');
  t.equal(why([claim('one', { requests: [{ name: 'r', exactly: { deviceClassName: 'gone' } }] })]), '0/1 nodes are available: 1 request r: device class gone does not exist.');
  t.equal(why([claim('one', {}, { status: { allocation: { nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }] } } } })]), '0/1 nodes are available: 1 resourceclaim not available on the node.');
  const templated = { ...pod('p'), spec: { ...pod('p').spec, resourceClaims: [{ name: 'x', resourceClaimTemplateName: 't' }] } };
  t.equal(why([], [], templated), '0/1 nodes are available: pod "n/p": ResourceClaim not created yet.');
  t.end();
});

t.test('the controller makes claims from templates, tells the pod, and takes them back', (t) => {
  const templated = { ...pod('p'), spec: { ...pod('p').spec, resourceClaims: [{ name: 'x', resourceClaimTemplateName: 't' }] } };
  const template = { spec: { metadata: { labels: { l: '1' } }, spec: { devices: {} } } } as never;
  t.match(planPod({ pod: templated, owned: [], template: () => template }).actions, [{ type: 'create', object: { metadata: { generateName: 'p-x-', labels: { l: '1' }, annotations: { 'resource.kubernetes.io/pod-claim-name': 'x' }, ownerReferences: [{ kind: 'Pod', name: 'p', controller: true }] } } }]);
  t.match(planPod({ pod: templated, owned: [], template: () => undefined }).actions, [{ type: 'event', note: { reason: 'FailedResourceClaimCreation', message: /PodResourceClaim x: .*"t" not found/ } }]);
  const made = claim('p-x-1', {}, { metadata: { name: 'p-x-1', namespace: 'n', uid: 'u', annotations: { 'resource.kubernetes.io/pod-claim-name': 'x' } } });
  t.match(planPod({ pod: templated, owned: [made], template: () => template }).actions, [{ type: 'patch', subresource: 'status', patch: { body: { status: { resourceClaimStatuses: [{ name: 'x', resourceClaimName: 'p-x-1' }] } } } }]);
  const held = claim('h', {}, { metadata: { name: 'h', namespace: 'n', uid: 'h', finalizers: ['resource.kubernetes.io/delete-protection'] }, status: { allocation: {}, reservedFor: [{ resource: 'pods', name: 'p', uid: 'p' }, { resource: 'pods', name: 'q', uid: 'q' }] } });
  t.match(planClaim({ claim: held, pods: new Map([['p', pod('p')]]) }).actions, [{ type: 'update', subresource: 'status', object: { status: { allocation: {}, reservedFor: [{ name: 'p' }] } } }]);
  const freed = planClaim({ claim: held, pods: new Map([['p', { ...pod('p'), status: { phase: 'Succeeded' } } as never]]) }).actions as unknown as { object: ResourceClaimResourceV1 }[];
  t.same(freed.map(({ object }) => [object.status, object.metadata.finalizers]), [[{}, ['resource.kubernetes.io/delete-protection']], [{}, []]]);
  t.end();
});
