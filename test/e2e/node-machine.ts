// A node on cgroup v2, on a virtual machine with systemd: resources, memory that runs out, resizing, evictions, shutdown, by the files and the words that
// upstream's own tests of nodes read. Words on the command line name the steps; all steps run under both cgroup drivers, unless DRIVER names one.
import t, { type Test } from 'tap';
import { sleeper, startNode, type Driver, type MachineNode } from '../support/machine-node.ts';
import { diskPressure, memoryPressure, processPressure } from './node-machine/evictions.ts';
import { appArmor } from './node-machine/apparmor.ts';
import { kubeletApi } from './node-machine/kubelet-api.ts';
import { restarts, shutdown } from './node-machine/lives.ts';
import { outOfMemory } from './node-machine/memory.ts';
import { nfs } from './node-machine/nfs.ts';
import { resizing } from './node-machine/resizing.ts';
import { powerCuts } from './node-machine/power-cuts.ts';
import { usersOfPods } from './node-machine/users.ts';
import { reserved, valuesOfPods } from './node-machine/values.ts';

type Step = (t: Test, node: MachineNode, driver: Driver, args: readonly string[]) => Promise<void>;

const STEPS: Readonly<Record<string, Step>> = { values: valuesOfPods, resizing, api: kubeletApi, apparmor: appArmor, nfs, users: usersOfPods, memory: outOfMemory, 'memory-pressure': memoryPressure, 'disk-pressure': diskPressure, 'process-pressure': processPressure, reserved, restarts, shutdown, cuts: powerCuts };

t.setTimeout(0);
const wanted = process.argv.slice(2);
const unknown = wanted.filter((word) => STEPS[word] === undefined && word !== 'uninstall');
if (unknown.length > 0) throw new Error(`no such step: ${unknown.join(', ')}; one of ${Object.keys(STEPS).join(', ')}, uninstall`);

const node = await startNode('node');
t.teardown(() => node.down());

for (const driver of ['cgroupfs', 'systemd'] as const) {
  if ((process.env['DRIVER'] ?? driver) !== driver) continue;
  const args = [`cgroup-driver=${driver}`];
  await t.test(driver, { timeout: 0 }, async (t) => {
    if (process.env['MACHINE'] === undefined) await node.configure(args);
    for (const [name, run] of Object.entries(STEPS)) if (wanted.length === 0 || wanted.includes(name)) await t.test(name, { timeout: 0 }, (t) => run(t, node, driver, args));
  });
}

if (wanted.length === 0 || wanted.includes('uninstall')) {
  await t.test('uninstall', { timeout: 0 }, async (t) => {
    await node.apply(sleeper('last', { shareProcessNamespace: true }));
    await node.running('last');
    t.match(await node.machine.sh('skiff uninstall --dry-run'), /would remove cgroup \/sys\/fs\/cgroup\/kubepods/);
    await node.machine.sh('skiff uninstall', 600);
    t.match(await node.machine.sh("ls -d /sys/fs/cgroup/kubepods* 2>/dev/null; systemctl list-units --all --no-legend --no-pager 'kubepods*' 'cri-*' 'skiff*'; pgrep -x conmon; grep skiff /sys/kernel/security/apparmor/profiles; true"), /^$/, 'no cgroup, unit, process or profile is left');
  });
}
