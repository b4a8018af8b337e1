// The plug is pulled while an image of many layers comes and pods start, at another moment each time. After the boot every image is whole or comes again,
// all pods run, and nothing is left of what was half made.
import { join, resolve } from 'node:path';
import type { Test } from 'tap';
import { sleeper, type Driver, type MachineNode } from '../../support/machine-node.ts';
import { beside } from '../../support/machine.ts';
import { startRegistry } from '../../support/registry.ts';

const RIG = resolve(process.env['VMRIG'] ?? '../shared/tools/vmrig');
const REGISTRY = { address: '192.168.77.1', port: 5000 };
/** How long after the first word of the pull. */
const CUT_AFTER_MS = [500, 3000, 7000, 14_000];
const STORE = '/var/lib/skiff/agent';

export async function powerCuts(t: Test, node: MachineNode, _driver: Driver, args: readonly string[]): Promise<void> {
  const registry = await startRegistry({ ...REGISTRY, enter: [join(RIG, 'host'), '--'] });
  t.teardown(() => registry.stop());
  const names = CUT_AFTER_MS.map((_, at) => `cut:${String(at + 1)}`);
  await beside([process.execPath, 'test/support/push-to.ts', registry.url, ...names]);
  await node.machine.write('/etc/skiff/registries.yaml', `mirrors:\n  "${registry.address}":\n    endpoint: ["${registry.url}"]\n`);
  await node.configure(args);
  const all: string[] = [];
  for (const [at, afterMs] of CUT_AFTER_MS.entries()) {
    const [pulls, starts] = [`pulls-${String(at)}`, `starts-${String(at)}`];
    all.push(pulls, starts);
    await node.apply(sleeper(pulls, { containers: [{ image: `${registry.address}/${names[at] ?? ''}`, imagePullPolicy: 'IfNotPresent', command: undefined }] }));
    await node.until('the pull to begin', async () => (await node.events(pulls)).some((event) => event.startsWith('Pulling')));
    await node.apply(sleeper(starts));
    await new Promise((passed) => setTimeout(passed, afterMs));
    await node.machine.powerCut();
    await node.until('the API', async () => (await node.kubectl('get', '--raw', '/readyz')).length > 0);
    await node.running(...all);
    for (const name of all.filter((one) => one.startsWith('pulls'))) t.match(await node.until('its word', async () => (await node.kubectl('logs', name)) || undefined), /^whole/, `${name} is whole after cut ${String(at + 1)}`);
    await nothingLeft(t, node, all.length);
  }
  await node.gone(...all);
}

async function nothingLeft(t: Test, node: MachineNode, running: number): Promise<void> {
  const count = async (line: string): Promise<number> => Number(await node.machine.sh(`${line} | wc -l`));
  t.equal(await node.machine.sh(`find ${STORE}/images -maxdepth 2 -name '*tmp*' -o -maxdepth 2 -path '*/partial/*'`), '', 'no half-made layer');
  t.equal(await count(`awk '$5 ~ "/agent/containers/.*/rootfs$" {print $5}' /proc/self/mountinfo`), running, 'a root for each container');
  t.equal(await count('pgrep -x conmon'), running, 'a conmon for each container');
  t.equal(await count("ip -o link | grep -o 'skf[0-9a-f]*'"), running, 'a link for each pod');
}
