// The CRI runtime on a containerd of the test's own, with images from a real registry: what the built-in runtime promises, and what it is by itself.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { NO_REGISTRIES } from '../../../agents/images/registry-settings.ts';
import { createCri } from '../../../agents/runtime/cri/index.ts';
import { openCgroups } from '../../../agents/runtime/runc/cgroups.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { runtimeContract, type RuntimeScene } from '../../contract/runtime.ts';
import { startContainerd } from '../../support/containerd.ts';
import { pushImages } from '../../support/images.ts';
import { startRegistry } from '../../support/registry.ts';

t.setTimeout(120_000);
const registry = await startRegistry();
t.teardown(() => registry.stop());
await pushImages(registry.url);
const containerd = await startContainerd({ registry });
t.teardown(() => containerd.stop());

let scenes = 0;

async function open(t: Test): Promise<RuntimeScene> {
  const name = `${containerd.name}-${String(scenes++)}`;
  const directory = mkdtempSync(join(containerd.directory, `${name}-`));
  const make = () => createCri({ endpoint: containerd.endpoint, registries: NO_REGISTRIES, clock: systemClock, log: silentLog });
  let { runtime, images } = make();
  await images.start();
  const pull = async (image: string): Promise<string> => (await images.pull(`${registry.address}/${image}`, [])).id;
  const [imageId, nonRootImageId] = [await pull('busybox:1'), await pull('nonroot:1')];
  await runtime.start();
  t.teardown(async () => {
    for (const { id } of runtime.listSandboxes()) await runtime.removeSandbox(id);
    await images.stop();
    await runtime.stop();
    for (const hierarchy of readdirSync('/sys/fs/cgroup')) removeEmpty(openCgroups().directory(`/${name}`, hierarchy));
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    runtime, imageId, nonRootImageId, logDirectory: join(directory, 'logs'), cgroupParent: `/${name}`,
    lacks: new Set(['image volumes', 'strict groups', 'groups of a numeric user']), // containerd 1.6
    async restart(meanwhile, onEvent) {
      await images.stop();
      await runtime.stop();
      await meanwhile();
      ({ runtime, images } = make());
      if (onEvent !== undefined) runtime.subscribe(onEvent);
      await runtime.start();
      return runtime;
    },
    leftovers: () => [
      ...readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(`${containerd.name}/`)),
      ...namesIn(join(containerd.directory, 'state/io.containerd.runtime.v2.task/k8s.io')), ...namesIn(join(containerd.directory, 'runc/k8s.io')), ...namesIn(join(containerd.directory, 'state/netns')),
      ...openCgroups().processes(`/${name}`).map(String),
    ],
  };
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function removeEmpty(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) removeEmpty(join(path, entry.name));
  rmdirSync(path);
}

runtimeContract(t, open);
