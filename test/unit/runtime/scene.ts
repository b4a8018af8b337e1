// The built-in runtime with the real runc and conmon, on images from a real registry. Pods have only their loopback.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createImageStore } from '../../../agents/images/local-image-store.ts';
import type { PodNetwork } from '../../../agents/network/pod-network.ts';
import { createRuncRuntime } from '../../../agents/runtime/runc/index.ts';
import { openCgroups } from '../../../agents/runtime/runc/cgroups.ts';
import type { Runtime } from '../../../agents/runtime/runtime.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import { command } from '../../../internal/base/command.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { systemRandom } from '../../../internal/base/random.ts';
import type { RuntimeScene } from '../../contract/runtime.ts';
import { pushImages } from '../../support/images.ts';
import { startRegistry } from '../../support/registry.ts';

export interface RuncScene extends RuntimeScene {
  runcRoot: string;
  dataDir: string;
}

const registry = await startRegistry();
t.teardown(() => registry.stop());
await pushImages(registry.url);

const loopbackOnly: PodNetwork = {
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  detach: () => Promise.resolve(),
  async attach(_id, netnsPath) {
    await command('nsenter', [`--net=${netnsPath}`, 'ip', 'link', 'set', 'lo', 'up']);
    return { ips: ['127.0.0.1'] };
  },
};

let scenes = 0;

export async function open(t: Test, ociRuntime = 'runc'): Promise<RuncScene> {
  const name = `skiff-runtime-${String(process.pid)}-${String(scenes++)}`;
  const dataDir = mkdtempSync(join(tmpdir(), `${name}-`));
  const runDir = `/run/${name}`;
  const images = createImageStore({ dataDir, clock: systemClock, log: silentLog });
  const pull = async (image: string): Promise<string> => (await images.pull(`${registry.address}/${image}`, [])).id;
  const [imageId, nonRootImageId] = [await pull('busybox:1'), await pull('nonroot:1')];
  const make = (): Runtime => createRuncRuntime({ dataDir, runDir, images, network: loopbackOnly, clock: systemClock, random: systemRandom, log: silentLog, ociRuntime });
  let runtime = make();
  await runtime.start();
  t.teardown(async () => {
    for (const { id } of runtime.listSandboxes()) await runtime.removeSandbox(id);
    await runtime.stop();
    for (const hierarchy of readdirSync('/sys/fs/cgroup')) removeEmpty(openCgroups().directory(`/${name}`, hierarchy));
    for (const path of [dataDir, runDir]) rmSync(path, { recursive: true, force: true });
  });
  return {
    runtime, imageId, nonRootImageId, runcRoot: join(runDir, 'runc'), dataDir, logDirectory: join(dataDir, 'logs'), cgroupParent: `/${name}`,
    async restart(meanwhile, onEvent) {
      await runtime.stop();
      await meanwhile();
      runtime = make();
      if (onEvent !== undefined) runtime.subscribe(onEvent);
      await runtime.start();
      return runtime;
    },
    leftovers: () => [
      ...readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(name)),
      ...['containers', 'sandboxes'].flatMap((folder) => readdirSync(join(dataDir, 'agent', folder))),
      ...['pins', 'exits', 'runc', 'sockets', 'roots'].flatMap((folder) => readdirSync(join(runDir, folder))),
      ...openCgroups().processes(`/${name}`).map(String),
    ],
  };
}

function removeEmpty(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) removeEmpty(join(path, entry.name));
  rmdirSync(path);
}
