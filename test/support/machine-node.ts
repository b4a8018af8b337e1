// Skiff installed on a virtual machine, and what tests of a node ask of it: the API by kubectl from beside it, and the files of cgroups as they read
// there. A machine that is named by MACHINE is taken as it stands (with Skiff on it, if that is so) and left standing, for work on a test.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '../../internal/kinds/generated/api-types.ts';
import { fixtureImages, saveArchive } from './images.ts';
import { beside, standingMachine, startMachine, type Machine } from './machine.ts';
import { eventually } from './until.ts';

const HOST_KUBECTL = 'build/kubectl';
const EXECUTABLE = process.env['SKIFF_EXECUTABLE'] ?? 'dist/skiff-linux-x64';
const BUNDLE = '/root/bundle';
const BUSYBOX = 'docker.io/library/busybox:1';
export type Driver = 'cgroupfs' | 'systemd';

export interface MachineNode {
  readonly machine: Machine;
  kubectl(...args: string[]): Promise<string>;
  /** What it printed and how it ended. */
  tryKubectl(...args: string[]): Promise<string>;
  /** A line for this host's shell, in the machines' network, with `$KUBECTL`. */
  shell(line: string): Promise<string>;
  apply(...objects: object[]): Promise<void>;
  pod(name: string): Promise<Pod>;
  /** Asks again and again for at most ten minutes: the machines are slow. */
  until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T>;
  running(...names: string[]): Promise<Pod[]>;
  gone(...names: string[]): Promise<void>;
  /** Messages of events about it, `reason: message`. */
  events(name: string): Promise<string[]>;
  /** Writes the kubelet's settings and starts Skiff again with them. */
  configure(args: readonly string[]): Promise<void>;
  down(): Promise<void>;
}

export async function startNode(name: string): Promise<MachineNode> {
  const standing = process.env['MACHINE'];
  const machine = standing === undefined ? await startMachine(name, { memoryMb: 1024 }) : await standingMachine(standing);
  const folder = mkdtempSync(join(tmpdir(), `skiff-node-${String(process.pid)}-`));
  const down = async (): Promise<void> => {
    rmSync(folder, { recursive: true, force: true });
    if (standing === undefined) await machine.down();
  };
  try {
    if (standing === undefined) await install(machine);
    writeFileSync(join(folder, 'kubeconfig'), (await machine.sh('cat /etc/skiff/skiff.yaml')).replace('127.0.0.1', machine.address), { mode: 0o600 });
    return nodeOn(machine, folder, down);
  } catch (error) {
    await down();
    throw error;
  }
}

async function install(machine: Machine): Promise<void> {
  await machine.sh(`mkdir -p ${BUNDLE}/dist ${BUNDLE}/images`);
  await machine.put(EXECUTABLE, `${BUNDLE}/dist/skiff-linux-x64`);
  await machine.put('install.sh', `${BUNDLE}/install.sh`);
  for (const image of fixtureImages().filter(({ name }) => ['busybox:1', 'web:1'].includes(name))) await machine.write(`${BUNDLE}/images/${image.name.replace(':', '-')}.tar`, saveArchive(image));
  await machine.sh(`sh ${BUNDLE}/install.sh`, 900);
}

function nodeOn(machine: Machine, folder: string, down: () => Promise<void>): MachineNode {
  const kubectl = (...args: string[]): Promise<string> => beside([HOST_KUBECTL, '--kubeconfig', join(folder, 'kubeconfig'), ...args]);
  const tryKubectl = (...args: string[]): Promise<string> => kubectl(...args).catch((error: unknown) => String(error));
  const pod = async (name: string): Promise<Pod> => JSON.parse(await kubectl('get', 'pod', name, '-o', 'json')) as Pod;
  let applied = 0;
  const node: MachineNode = {
    machine, kubectl, tryKubectl, pod, down, shell: (line) => beside(['env', `KUBECTL=${HOST_KUBECTL} --kubeconfig ${join(folder, 'kubeconfig')}`, 'sh', '-c', line]),
    async apply(...objects) {
      const path = join(folder, `objects-${String(applied++)}.json`);
      writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
      await kubectl('apply', '-f', path);
    },
    until: (what, look) => eventually(async () => {
      const found = await look();
      if (found === undefined || found === false) throw new Error(`waited in vain for ${what}`);
      return found;
    }, { everyMs: 1000, timeoutMs: 600_000 }),
    running: (...names) => Promise.all(names.map((name) => node.until(`${name} to run`, async () => {
      const found = await pod(name);
      return found.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true && found;
    }))),
    async gone(...names) {
      if (names.length > 0) await kubectl('delete', 'pod', '--ignore-not-found', '--grace-period=1', '--timeout=300s', ...names);
    },
    async events(name) {
      const { items } = JSON.parse(await kubectl('get', 'events', '-o', 'json', '--field-selector', `involvedObject.name=${name}`)) as { items: { reason: string; message: string }[] };
      return items.map(({ reason, message }) => `${reason}: ${message}`);
    },
    async configure(args) {
      await machine.sh('mkdir -p /etc/skiff/config.yaml.d');
      await machine.write('/etc/skiff/config.yaml.d/test.yaml', args.length === 0 ? '# none\n' : `kubelet-arg:\n${args.map((arg) => `  - ${JSON.stringify(arg)}\n`).join('')}`);
      await machine.sh('systemctl restart skiff', 600);
      await node.until('the node to be Ready', async () => / Ready/.test(await kubectl('get', 'nodes')));
    },
  };
  return node;
}

/** A pod of busybox that sleeps, or does what its containers say. */
export function sleeper(name: string, spec: Record<string, unknown> & { containers?: Record<string, unknown>[] } = {}): { metadata: { name: string } } & Record<string, unknown> {
  const whole = (container: Record<string, unknown>, index: number): object => ({ name: `c${String(index)}`, image: BUSYBOX, imagePullPolicy: 'Never', command: ['sleep', '1000000'], ...container });
  return {
    apiVersion: 'v1', kind: 'Pod', metadata: { name },
    spec: { terminationGracePeriodSeconds: 1, ...spec, containers: (spec.containers ?? [{}]).map(whole), ...(spec['initContainers'] !== undefined && { initContainers: (spec['initContainers'] as Record<string, unknown>[]).map(whole) }) },
  };
}

/** Where upstream's own tests look for a pod's cgroup, below the mount. */
export function podCgroup(driver: Driver, { metadata, status }: Pod): string {
  const qos = (status?.qosClass ?? '').toLowerCase();
  if (driver === 'cgroupfs') return `kubepods/${qos === 'guaranteed' ? '' : `${qos}/`}pod${metadata.uid}`;
  const uid = metadata.uid.replaceAll('-', '_');
  return qos === 'guaranteed' ? `kubepods.slice/kubepods-pod${uid}.slice` : `kubepods.slice/kubepods-${qos}.slice/kubepods-${qos}-pod${uid}.slice`;
}

export function containerCgroup(driver: Driver, pod: Pod, name: string): string {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const id = [...containerStatuses, ...initContainerStatuses].find((status) => status.name === name)?.containerID?.split('//')[1] ?? '';
  return `${podCgroup(driver, pod)}/${driver === 'systemd' ? `cri-${id}.scope` : id}`;
}

/** Contents of its files; `-` for one that is not there. */
export async function cgroupFiles(machine: Machine, path: string, names: readonly string[]): Promise<Record<string, string>> {
  const text = await machine.sh(`cd /sys/fs/cgroup/${path} && for file in ${names.join(' ')}; do echo "$file=$(cat $file 2>/dev/null || echo -)"; done`);
  return Object.fromEntries(text.split('\n').map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1).trim()]));
}
