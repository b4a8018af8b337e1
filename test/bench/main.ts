// What a one-node cluster costs, as a table; beside a peer in the same run when one is given, with the ratio.
//
//   node test/bench/main.ts [--peer 'COMMAND …' [--prepare 'COMMAND {address}']] [--starts 3] [--idle 60] [--pods 30] [--objects 2000] [--skiff dist/skiff]
//                           [--held 10,50,110] [--only start,idle,pods,memory,probes,exec,logs,pull,api,objects]
//
// COMMAND starts another server in the foreground; `--data-dir D --node-name N --write-kubeconfig F` are appended to it and {registry} is
// replaced; the command to prepare pushes what that server needs to the registry at {address}. Each server runs on a test host of its own
// (namespaces), one after the other. These machines are noisy: read the ratios, and the processor's time rather than the clock's.
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { createLab, ownNetwork } from '../support/lab.ts';
import { fixtureImages, pushImages } from '../support/images.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { measureApi, measureObjects } from './api-load.ts';
import { measurePodMemory, measurePods, measureProbes } from './pods.ts';
import { createServer, type BenchServer } from './server-process.ts';
import { measureExec, measureLogs, measurePull } from './streams.ts';
import { printTable, type Figures } from './table.ts';

const { values } = parseArgs({
  options: {
    peer: { type: 'string' },
    prepare: { type: 'string' },
    starts: { type: 'string', default: '3' },
    idle: { type: 'string', default: '60' },
    pods: { type: 'string', default: '30' },
    held: { type: 'string', default: '10,50,110' },
    objects: { type: 'string', default: '2000' },
    only: { type: 'string', default: 'start,idle,pods,memory,probes,exec,logs,pull,api,objects' },
    skiff: { type: 'string', default: fileURLToPath(new URL('../../dist/skiff', import.meta.url)) },
  },
});
ownNetwork();
const parts = new Set(values.only.split(','));
const skiff = `${resolve(values.skiff)} server --private-registry {directory}/registries.yaml`;

const columns: [string, Figures][] = [['skiff', await measure('skiff', skiff, '10.98.1')]];
if (values.peer !== undefined) columns.push(['peer', await measure('peer', values.peer, '10.98.2')]);
printTable(columns);

async function measure(name: string, command: string, net: string): Promise<Figures> {
  const lab = createLab(`b${name}`, net);
  try {
    const registry = await startRegistry({ address: lab.ip, port: 5000 });
    await pushImages(registry.url, fixtureImages().filter((image) => image.name === 'busybox:1'));
    if (name === 'peer' && values.prepare !== undefined) execFileSync('sh', ['-c', values.prepare.replaceAll('{address}', registry.address)], { stdio: ['ignore', 'ignore', 'inherit'] });
    const server = createServer({ lab, host: lab.addHost('n1'), registry: registry.address, command });
    const figures: Figures = {};
    const image = `${registry.address}/busybox:1`;
    try {
      await measureStarts(server, figures);
      for (const [part, run] of Object.entries(partsOf(server, figures, { image, registry }))) {
        if (!parts.has(part)) continue;
        const known = new Set(Object.keys(figures));
        await run();
        for (const [title, value] of Object.entries(figures)) if (!known.has(title)) console.error(`${name}: ${title}: ${value.toFixed(2)}`);
      }
    } finally {
      await server.stop();
      await registry.stop();
    }
    return figures;
  } finally {
    lab.remove();
  }
}

/** In the order in which they are measured. */
function partsOf(server: BenchServer, figures: Figures, { image, registry }: { image: string; registry: TestRegistry }): Record<string, () => Promise<void>> {
  return {
    idle: () => measureIdle(server, figures),
    pods: () => measurePods(server, figures, { count: Number(values.pods), image }),
    memory: () => measurePodMemory(server, figures, { counts: values.held.split(',').map(Number), image }),
    probes: () => measureProbes(server, figures, image),
    exec: () => measureExec(server, figures, image),
    logs: () => measureLogs(server, figures, image),
    pull: () => measurePull(server, figures, { image, registry }),
    api: () => measureApi(server, figures, { objects: Number(values.objects), connections: 8 }),
    objects: () => measureOnFresh(server, () => measureObjects(server, figures)),
    start: () => measureWarmStarts(server, figures),
  };
}

async function measureStarts(server: BenchServer, figures: Figures): Promise<void> {
  const cold: number[] = [];
  for (let round = 0; round < (parts.has('start') ? Number(values.starts) : 1); round++) {
    if (round > 0) await server.wipe();
    cold.push(await server.start());
  }
  figures['start cold → Ready, s'] = median(cold);
}

async function measureOnFresh(server: BenchServer, measured: () => Promise<void>): Promise<void> {
  await server.wipe();
  await server.start();
  await measured();
}

async function measureWarmStarts(server: BenchServer, figures: Figures): Promise<void> {
  const warm: number[] = [];
  for (let round = 0; round < Number(values.starts); round++) {
    await server.stop();
    warm.push(await server.start());
  }
  figures['start warm → Ready, s'] = median(warm);
}

async function measureIdle(server: BenchServer, figures: Figures): Promise<void> {
  const seconds = Number(values.idle);
  await server.settle(seconds * 1000);
  const before = server.counters();
  await server.settle(seconds * 1000);
  const after = server.counters();
  const memory = server.memory();
  figures['idle RSS, MB'] = memory.rssKb / 1024;
  figures['idle PSS, MB'] = memory.pssKb / 1024;
  figures['idle anonymous, MB'] = memory.anonymousKb / 1024;
  figures[`idle CPU in ${String(seconds)} s, s`] = after.cpuSeconds - before.cpuSeconds;
  figures[`idle written in ${String(seconds)} s, KB`] = (after.writtenBytes - before.writtenBytes) / 1024;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
