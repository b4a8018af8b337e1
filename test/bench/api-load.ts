// Throughput over HTTPS by keep-alive connections: every verb on ConfigMaps; lists of pods, whole, as tables and metadata only; memory per
// object; events to watchers.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster-connection.ts';
import { quantile } from './pods.ts';
import type { BenchServer } from './server-process.ts';
import type { Figures } from './table.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const PODS = '/api/v1/namespaces/bench/pods';
const FORMS = { whole: 'application/json', Table: 'application/json;as=Table;v=v1;g=meta.k8s.io', metadata: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' };
const WATCHERS = 100;
const EVENTS = 100;

export async function measureApi(server: BenchServer, figures: Figures, options: { objects: number; connections: number }): Promise<void> {
  const cluster = server.cluster();
  const names = Array.from({ length: options.objects }, (_, index) => `m-${String(index)}`);
  const phase = async (title: string, jobs: (() => Promise<unknown>)[]): Promise<void> => {
    const { perSecond, p99Ms } = await drive(jobs, options.connections);
    figures[`${title}, per s`] = perSecond;
    figures[`${title} p99, ms`] = p99Ms;
  };
  await phase('create ConfigMap', names.map((name) => () => cluster.call('POST', MAPS, { metadata: { name }, data: { v: 'x'.repeat(1024) } })));
  await phase('get ConfigMap', names.map((name) => () => cluster.call('GET', `${MAPS}/${name}`)));
  await phase('update ConfigMap', names.map((name) => () => cluster.call('PUT', `${MAPS}/${name}`, { metadata: { name }, data: { v: 'y'.repeat(1024) } })));
  await phase('patch ConfigMap', names.map((name) => () => cluster.call('PATCH', `${MAPS}/${name}`, { data: { w: '1' } }, { 'Content-Type': 'application/merge-patch+json' })));
  await phase('apply ConfigMap', names.map((name) => () => cluster.call('PATCH', `${MAPS}/${name}?fieldManager=bench`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { z: '1' } }, { 'Content-Type': 'application/apply-patch+yaml' })));
  figures['RSS after load, MB'] = server.memory().rssKb / 1024;
  await phase('list 500 ConfigMaps', Array.from({ length: 60 }, () => () => cluster.call('GET', `${MAPS}?limit=500`)));
  await phase('delete ConfigMap', names.map((name) => () => cluster.call('DELETE', `${MAPS}/${name}`)));
  figures[`events to ${String(WATCHERS)} watchers, per s`] = await measureFanOut(cluster);
  await measurePodList(server, figures, phase);
}

// 1,000 pods that no node takes (a scheduler nobody runs), so that only the API works.
async function measurePodList(server: BenchServer, figures: Figures, phase: (title: string, jobs: (() => Promise<unknown>)[]) => Promise<void>): Promise<void> {
  const cluster = server.cluster();
  await cluster.call('POST', '/api/v1/namespaces', { metadata: { name: 'bench' } });
  for (let tries = 0; tries < 100; tries++) {
    if (await cluster.call('GET', '/api/v1/namespaces/bench/serviceaccounts/default').then(() => true, () => false)) break;
    await sleep(50);
  }
  const pod = (index: number): unknown => ({ metadata: { name: `p-${String(index)}`, labels: { app: 'bench' } }, spec: { schedulerName: 'nobody', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'none' }] } });
  const create = (from: number, to: number): (() => Promise<unknown>)[] => Array.from({ length: to - from }, (_, index) => () => cluster.call('POST', PODS, pod(from + index)));
  await phase('create Pod', create(0, 1000));
  for (const [form, accept] of Object.entries(FORMS)) await phase(`list 1,000 Pods, ${form}`, Array.from({ length: 20 }, () => () => cluster.call('GET', PODS, undefined, { Accept: accept })));
  await sleep(10_000);
  const before = server.memory();
  await drive(create(1000, 10_000), 8);
  await sleep(10_000);
  const after = server.memory();
  figures['anonymous memory per 1,000 Pods, MB'] = (after.anonymousKb - before.anonymousKb) / 9 / 1024;
  const begin = performance.now();
  await cluster.call('GET', PODS);
  figures['list 10,000 Pods, ms'] = performance.now() - begin;
  figures['RSS after 10,000 Pods, MB'] = server.memory().rssKb / 1024;
}

async function measureFanOut(cluster: Cluster): Promise<number> {
  let received = 0;
  let allReceived: () => void = () => {};
  const done = new Promise<void>((resolve) => { allReceived = resolve; });
  const closers = await Promise.all(Array.from({ length: WATCHERS }, () => cluster.watch(`${MAPS}?watch=1&resourceVersion=0&timeoutSeconds=600&labelSelector=fan%3Dout`, ({ type }) => {
    if (type === 'ADDED' && ++received === WATCHERS * EVENTS) allReceived();
  })));
  const begin = performance.now();
  await drive(Array.from({ length: EVENTS }, (_, index) => () => cluster.call('POST', MAPS, { metadata: { name: `fan-${String(index)}`, labels: { fan: 'out' } } })), 8);
  await done;
  const seconds = (performance.now() - begin) / 1000;
  for (const close of closers) close();
  await cluster.call('DELETE', `${MAPS}?labelSelector=fan%3Dout`);
  return (WATCHERS * EVENTS) / seconds;
}

async function drive(jobs: readonly (() => Promise<unknown>)[], connections: number): Promise<{ perSecond: number; p99Ms: number }> {
  const took: number[] = [];
  let next = 0;
  const begin = performance.now();
  await Promise.all(Array.from({ length: connections }, async () => {
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
      const started = performance.now();
      await job();
      took.push(performance.now() - started);
    }
  }));
  return { perSecond: jobs.length / ((performance.now() - begin) / 1000), p99Ms: quantile(took, 0.99) };
}
