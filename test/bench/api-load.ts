// Throughput over HTTPS by keep-alive connections: every verb on ConfigMaps; lists of pods, whole, as tables and metadata only; events to
// watchers. Beside the time stands the processor's: of the server with all its helpers, which other work on the machine hardly touches.
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/until.ts';
import type { Cluster } from './cluster-connection.ts';
import { quantile } from './pods.ts';
import type { BenchServer } from './server-process.ts';
import type { Figures } from './table.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const PODS = '/api/v1/namespaces/bench/pods';
const FORMS = { whole: 'application/json', Table: 'application/json;as=Table;v=v1;g=meta.k8s.io', metadata: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' };
const WATCHERS = 100;
const EVENTS = 300;
/** Enough that the p99 is not the worst one. */
const LISTS = 300;
/** A few seconds after work, as one would look at a machine. */
const AFTER_MS = 5000;

type Jobs = readonly (() => Promise<unknown>)[];
type Phase = (title: string, jobs: Jobs) => Promise<void>;

export async function measureApi(server: BenchServer, figures: Figures, options: { objects: number; connections: number }): Promise<void> {
  const cluster = server.cluster();
  const phase = phases(server, figures, options.connections);
  const names = Array.from({ length: options.objects }, (_, index) => `m-${String(index)}`);
  await phase('create ConfigMap', names.map((name) => () => cluster.call('POST', MAPS, { metadata: { name }, data: { v: 'x'.repeat(1024) } })));
  await phase('get ConfigMap', names.map((name) => () => cluster.call('GET', `${MAPS}/${name}`)));
  await phase('update ConfigMap', names.map((name) => () => cluster.call('PUT', `${MAPS}/${name}`, { metadata: { name }, data: { v: 'y'.repeat(1024) } })));
  await phase('patch ConfigMap', names.map((name) => () => cluster.call('PATCH', `${MAPS}/${name}`, { data: { w: '1' } }, { 'Content-Type': 'application/merge-patch+json' })));
  await phase('apply ConfigMap', names.map((name) => () => cluster.call('PATCH', `${MAPS}/${name}?fieldManager=bench`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { z: '1' } }, { 'Content-Type': 'application/apply-patch+yaml' })));
  figures['RSS at the end of load, MB'] = server.memory().rssKb / 1024;
  await sleep(AFTER_MS);
  figures['RSS 5 s after load, MB'] = server.memory().rssKb / 1024;
  await phase('list 500 ConfigMaps', Array.from({ length: 60 }, () => () => cluster.call('GET', `${MAPS}?limit=500`)));
  await phase('delete ConfigMap', names.map((name) => () => cluster.call('DELETE', `${MAPS}/${name}`)));
  await measureFanOut(server, figures);
  await prepareNamespace(cluster);
  await phase('create Pod', creations(cluster, 0, 1000));
  for (const [form, accept] of Object.entries(FORMS)) await phase(`list 1,000 Pods, ${form}`, Array.from({ length: LISTS }, () => () => cluster.call('GET', PODS, undefined, { Accept: accept })));
}

/** What 10,000 pods cost a server that has done nothing else, and how long the list of them takes. */
export async function measureObjects(server: BenchServer, figures: Figures): Promise<void> {
  const cluster = server.cluster();
  await prepareNamespace(cluster);
  await drive(creations(cluster, 0, 20), 8);
  await sleep(2 * AFTER_MS);
  const before = server.memory();
  await drive(creations(cluster, 20, 10_000), 8);
  await sleep(2 * AFTER_MS);
  const after = server.memory();
  figures['anonymous memory per 1,000 Pods, MB'] = (after.anonymousKb - before.anonymousKb) / 9.98 / 1024;
  figures['RSS with 10,000 Pods, MB'] = after.rssKb / 1024;
  const cpuBefore = server.counters().cpuSeconds;
  const took: number[] = [];
  for (let round = 0; round < 7; round++) {
    const begin = performance.now();
    await cluster.call('GET', PODS);
    took.push(performance.now() - begin);
  }
  figures['list 10,000 Pods, ms'] = quantile(took, 0.5);
  figures['list 10,000 Pods, CPU ms'] = ((server.counters().cpuSeconds - cpuBefore) * 1000) / took.length;
  figures['RSS at the end of the lists, MB'] = server.memory().rssKb / 1024;
  await sleep(AFTER_MS);
  figures['RSS 5 s after the lists, MB'] = server.memory().rssKb / 1024;
}

function phases(server: BenchServer, figures: Figures, connections: number): Phase {
  return async (title, jobs) => {
    const cpuBefore = server.counters().cpuSeconds;
    const { perSecond, p99Ms } = await drive(jobs, connections);
    figures[`${title}, per s`] = perSecond;
    figures[`${title} p99, ms`] = p99Ms;
    figures[`${title} CPU, s per 1,000`] = ((server.counters().cpuSeconds - cpuBefore) * 1000) / jobs.length;
  };
}

async function prepareNamespace(cluster: Cluster): Promise<void> {
  await cluster.call('POST', '/api/v1/namespaces', { metadata: { name: 'bench' } });
  await eventually(() => cluster.call('GET', '/api/v1/namespaces/bench/serviceaccounts/default'), { everyMs: 50, timeoutMs: 10_000 });
}

/** Pods that no node takes (a scheduler nobody runs), so that only the API works. */
function creations(cluster: Cluster, from: number, to: number): Jobs {
  const pod = (index: number): unknown => ({ metadata: { name: `p-${String(index)}`, labels: { app: 'bench' } }, spec: { schedulerName: 'nobody', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'none' }] } });
  return Array.from({ length: to - from }, (_, index) => () => cluster.call('POST', PODS, pod(from + index)));
}

async function measureFanOut(server: BenchServer, figures: Figures): Promise<void> {
  const cluster = server.cluster();
  let received = 0;
  let allReceived: () => void = () => {};
  const done = new Promise<void>((resolve) => { allReceived = resolve; });
  const closers = await Promise.all(Array.from({ length: WATCHERS }, () => cluster.countEvents(`${MAPS}?watch=1&resourceVersion=0&timeoutSeconds=600&labelSelector=fan%3Dout`, 'ADDED', (count) => {
    received += count;
    if (received === WATCHERS * EVENTS) allReceived();
  })));
  const [begin, cpuBefore] = [performance.now(), server.counters().cpuSeconds];
  await drive(Array.from({ length: EVENTS }, (_, index) => () => cluster.call('POST', MAPS, { metadata: { name: `fan-${String(index)}`, labels: { fan: 'out' } } })), 8);
  await done;
  figures[`events to ${String(WATCHERS)} watchers, per s`] = (WATCHERS * EVENTS) / ((performance.now() - begin) / 1000);
  figures[`events to ${String(WATCHERS)} watchers CPU, s per 1,000`] = ((server.counters().cpuSeconds - cpuBefore) * 1000) / (WATCHERS * EVENTS);
  for (const close of closers) close();
  await cluster.call('DELETE', `${MAPS}?labelSelector=fan%3Dout`);
}

async function drive(jobs: Jobs, connections: number): Promise<{ perSecond: number; p99Ms: number }> {
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
