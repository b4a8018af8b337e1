// The kubelet's settings as they are given, and what follows from them: allocatable, cgroups, thresholds, sysctls, static pods from elsewhere.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { quantityMilliValue, quantityValue } from '../../../internal/api/quantity.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { createPodCgroups } from '../../../agents/kubelet/cgroups/pod-cgroups.ts';
import type { CgroupLimits, CgroupTree } from '../../../agents/kubelet/cgroups/cgroup-tree.ts';
import { DEFAULT_CONFIGURATION, readKubeletConfiguration } from '../../../agents/kubelet/configuration/configuration.ts';
import { readCapacity } from '../../../agents/kubelet/node/capacity.ts';
import { shortagesOf, thresholdsOf } from '../../../agents/kubelet/pressure/signals.ts';
import { createFileSource, createUrlSource } from '../../../agents/kubelet/static-sources.ts';
import { admit } from '../../../agents/kubelet/steps/admission.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const folder = mkdtempSync(join(tmpdir(), `skiff-settings-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

t.test('flags, fields and files; the arguments win over the file; what is wrong is named', (t) => {
  const file = join(folder, 'kubelet.yaml');
  writeFileSync(file, 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 20\nsystemReserved: {cpu: 100m}\ncrashLoopBackOff: {maxContainerRestartPeriod: 20s}\neventBurst: 5\n');
  const warnings: string[] = [];
  const settings = readKubeletConfiguration([`config=${file}`, 'max-pods=30', 'eviction-hard=memory.available<50Mi,nodefs.available<1%', 'seccompDefault=true', 'v=4', 'manifest-url-header=a:1,a:2,b:3'], (message) => warnings.push(message));
  t.match(settings, { maxPods: 30, systemReserved: { cpu: '100m' }, maxContainerRestartPeriod: '20s', seccompDefault: true, staticPodURLHeader: { a: ['1', '2'], b: ['3'] } });
  t.same(settings.evictionHard, { 'memory.available': '50Mi', 'nodefs.available': '1%' }, 'replaces the defaults');
  t.equal(warnings.length, 2);
  t.same(readKubeletConfiguration([]), DEFAULT_CONFIGURATION);
  const refused: [string, RegExp][] = [
    ['max-pods=many', /max-pods=many: must be a whole number/], ['no-such=1', /"no-such" is no setting/], ['eviction-hard=disk<1Gi', /unknown eviction signal "disk"/], ['system-reserved=cpu=lots', /cpu: /],
    ['eviction-soft=memory.available<1Gi', /grace period must be specified/], ['eviction-hard=memory.available<-1Mi', /eviction threshold memory\.available must be positive: -1Mi/], ['eviction-hard=memory.available<0', /must be positive: 0/], ['eviction-hard=nodefs.available<101%', /must be <= 100%: 101%/], ['eviction-hard=nodefs.available<-5%', /must be >= 0%: -5%/], ['eviction-hard=nodefs.available<much', /nodefs\.available: (?!eviction)/],
    ['eviction-minimum-reclaim=memory.available=-1Mi', /negative eviction minimum reclaim specified for memory\.available/], ['eviction-minimum-reclaim=memory.available=0%', /minimum reclaim memory\.available must be positive: 0%/], ['eviction-soft-grace-period=memory.available=-1s', /invalid eviction grace period specified: -1s/], ['image-credential-provider-config=/a', /both image-credential-provider-bin-dir and image-credential-provider-config/], ['image-gc-low-threshold=90', /must be less/], ['minimum-image-ttl-duration=2', /missing unit/], ['config=/nowhere.yaml', /no such file/],
  ];
  for (const [arg, message] of refused) t.throws(() => readKubeletConfiguration([arg]), message, arg);
  const ignored: string[] = [];
  readKubeletConfiguration(['eviction-hard=containerfs.available<5%', 'eviction-soft=containerfs.inodesFree<5%', 'eviction-soft-grace-period=containerfs.inodesFree=1m'], (message) => ignored.push(message));
  t.same(ignored, ['--kubelet-arg: found containerfs.available for hard eviction. ignoring', '--kubelet-arg: found containerfs.inodesFree for soft eviction. ignoring']);
  t.same(readKubeletConfiguration(['eviction-hard=memory.available<1Gi', 'mergeDefaultEvictionSettings=true']).evictionHard, { ...DEFAULT_CONFIGURATION.evictionHard, 'memory.available': '1Gi' });
  t.end();
});

t.test('what is reserved is kept from pods: from each in allocatable, from all together in their cgroup', async (t) => {
  const all = readCapacity('/', readKubeletConfiguration(['eviction-hard=']));
  const kept = readCapacity('/', readKubeletConfiguration(['system-reserved=cpu=200m,memory=64Mi,ephemeral-storage=1Gi', 'kube-reserved=cpu=50m,memory=36Mi,pid=100', 'eviction-hard=memory.available<100Mi', 'pods-per-core=3', 'max-pods=500']));
  const difference = (name: string): number => quantityValue(all.allocatable[name] ?? '') - quantityValue(kept.allocatable[name] ?? '');
  t.equal(quantityMilliValue(all.allocatable['cpu'] ?? '') - quantityMilliValue(kept.allocatable['cpu'] ?? ''), 250);
  t.equal(difference('memory'), 200 * 2 ** 20);
  t.ok(Math.abs(difference('ephemeral-storage') - 2 ** 30) < 2 ** 20);
  t.equal(Number(kept.allocatable['pods']), 3 * Number(kept.capacity['cpu']));
  t.equal(all.podsLimits.memoryLimitBytes, all.memoryBytes);
  t.ok(Math.abs((kept.podsLimits.memoryLimitBytes ?? 0) - (kept.memoryBytes - 100 * 2 ** 20)) < 4096, 'the threshold is not in it');
  t.ok((kept.podsLimits.pidsLimit ?? 0) > 0);
  const made = new Map<string, CgroupLimits>();
  const tree: CgroupTree = { version: 1, set: (path, limits) => Promise.resolve(void made.set(path, limits)), remove: () => Promise.resolve(), children: () => [], directory: () => '' };
  const cgroups = createPodCgroups(tree, { podsLimits: kept.podsLimits, podPidsLimit: 64, cpuCFSQuota: false });
  await cgroups.start();
  await cgroups.make({ metadata: { name: 'a', uid: 'u' }, spec: { containers: [{ name: 'c', resources: { limits: { cpu: '1', memory: '1Gi' } } }] } } as never);
  t.same(made.get('/kubepods'), kept.podsLimits);
  t.match(made.get('/kubepods/podu'), { pidsLimit: 64, cpuQuota: -1, memoryLimitBytes: 2 ** 30 });
});

t.test('thresholds: hard, soft with their grace, and how much is to be won back', (t) => {
  const thresholds = thresholdsOf(readKubeletConfiguration(['eviction-hard=memory.available<10%,nodefs.available<0%', 'eviction-soft=memory.available<20%', 'eviction-soft-grace-period=memory.available=1m30s', 'eviction-minimum-reclaim=memory.available=5']));
  const at = (available: number, met = new Set<string>()): number[] => shortagesOf([{ signal: 'memory.available', available, capacity: 100 }, { signal: 'nodefs.available', available: 0, capacity: 100 }], thresholds, met).map(({ graceMs }) => graceMs);
  t.same([at(9), at(15), at(21)], [[0, 90_000], [90_000], []]);
  const met = new Set(['memory.available 0', 'memory.available 90000']);
  t.same([at(14, met), at(26, met)], [[0, 90_000], []], 'not over before more than the threshold is there');
  t.end();
});

t.test('unsafe sysctls only as this node allows them', (t) => {
  const settings = readKubeletConfiguration(['allowed-unsafe-sysctls=kernel.msg*,net.core.somaxconn']);
  const asked = (name: string, spec: object = {}): string | undefined => admit({ metadata: { name: 'a', uid: 'u' }, spec: { containers: [], securityContext: { sysctls: [{ name, value: '1' }] }, ...spec } } as never, [], { allocatable: () => ({ pods: '1' }), pressures: () => [], settings })?.message;
  t.same([asked('kernel.msgmax'), asked('net/core/somaxconn'), asked('net.ipv4.tcp_syncookies')], [undefined, undefined, undefined]);
  t.same([asked('kernel.sem'), asked('net.core.somaxconn', { hostNetwork: true }), asked('kernel.msgmax', { hostIPC: true })], [
    'forbidden sysctl: "kernel.sem" not allowlisted', 'forbidden sysctl: "net.core.somaxconn" not allowed with host net enabled', 'forbidden sysctl: "kernel.msgmax" not allowed with host ipc enabled',
  ]);
  t.end();
});

t.test('static pods from one file, and from a URL that may be away for a while', async (t) => {
  const file = join(folder, 'one.yaml');
  writeFileSync(file, 'kind: Pod\nmetadata: {name: one}\nspec: {containers: [{name: a, image: x}]}\n');
  writeFileSync(join(folder, 'other.yaml'), 'kind: Pod\nmetadata: {name: other}\nspec: {containers: []}\n');
  const context = { clock: createFakeClock(), log: silentLog, nodeName: 'n1' };
  t.match(await createFileSource(file, context).read(), [{ metadata: { name: 'one-n1', annotations: { 'kubernetes.io/config.source': 'file' } } }]);
  let answer = { code: 200, text: JSON.stringify({ kind: 'PodList', items: ['a', 'b'].map((name) => ({ kind: 'Pod', metadata: { name, namespace: 'kube-system' }, spec: { containers: [] } })) }) };
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers['x-token']?.toString());
    response.writeHead(answer.code).end(answer.text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const source = createUrlSource({ url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/pods`, headers: { 'X-Token': ['secret'] }, everyMs: 20_000 }, context);
  answer.code = 503;
  t.equal(await source.read(), undefined, 'not known yet');
  answer.code = 200;
  const first = await source.read() ?? [];
  t.match(first, [{ metadata: { name: 'a-n1', namespace: 'kube-system', annotations: { 'kubernetes.io/config.source': 'http' } } }, { metadata: { name: 'b-n1' } }]);
  t.equal(new Set(first.map(({ metadata }) => metadata.uid)).size, 2);
  answer = { code: 500, text: '' };
  t.same(await source.read(), first, 'kept while it cannot be read');
  answer = { code: 200, text: 'kind: Pod\nmetadata: {name: c}\nspec: {containers: []}\n' };
  t.match((await source.read())?.map(({ metadata }) => metadata.name), ['c-n1']);
  t.same(asked, ['secret', 'secret', 'secret', 'secret']);
});

t.test('what would pin containers to CPUs or memory is refused, not passed over', (t) => {
  t.doesNotThrow(() => readKubeletConfiguration(['cpu-manager-policy=none', 'memory-manager-policy=None', 'topologyManagerPolicy=none']));
  t.throws(() => readKubeletConfiguration(['cpu-manager-policy=static']), { message: '--kubelet-arg: cpu-manager-policy=static is not supported: only "none" is' });
  t.throws(() => readKubeletConfiguration(['topology-manager-policy=single-numa-node']), { message: '--kubelet-arg: topology-manager-policy=single-numa-node is not supported: only "none" is' });
  t.end();
});
