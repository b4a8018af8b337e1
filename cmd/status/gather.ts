// All that `skiff status` tells, as one value: what -o json prints.
import type { Clock } from '../../internal/base/clock.ts';
import { messageOf } from '../../internal/base/errors.ts';
import type { Node, Pod } from '../../internal/kinds/generated/api-types.ts';
import { NODES, PODS } from '../../internal/kinds/generated/resources.ts';
import { cgroups } from '../checks/cgroups.ts';
import { disk } from '../checks/storage.ts';
import { time } from '../checks/system.ts';
import { look, thisMachine } from '../check.ts';
import { isRunning, type Instance } from '../instance.ts';
import { openLocalAccess } from '../local-access.ts';
import { conmons } from '../ownership/belongings.ts';
import type { Site } from '../ownership/site.ts';
import { readSettings } from '../settings.ts';
import { KUBERNETES_VERSION, SKIFF_VERSION_TEXT } from '../version.ts';
import { listCertificates, type CertificateUntil } from './certificates.ts';
import { usageOf, type Usage } from './processes.ts';

export interface NodeStatus {
  name: string;
  roles: string[];
  ready: boolean;
  /** Why not, or what else is wrong with it. */
  message?: string;
  address: string;
  version: string;
}

export interface Status {
  running: boolean;
  role?: 'server' | 'agent';
  pid?: number;
  startedAt?: string;
  dataDir: string;
  versions: { skiff: string; kubernetes: string };
  server?: string;
  nodes: NodeStatus[];
  pods: { running: number; total: number };
  memory?: Omit<Usage, 'writtenBytes'>;
  /** By this process since it was started. */
  written?: { bytes: number; since: string };
  certificates: CertificateUntil[];
  warnings: string[];
}

const DAY_MS = 86_400_000;
const CERTIFICATE_WARNING_MS = 30 * DAY_MS;
const PRESSURES = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'];

export async function gatherStatus(site: Site, clock: Clock): Promise<Status> {
  const { instance, dataDir } = site;
  const versions = { skiff: SKIFF_VERSION_TEXT, kubernetes: KUBERNETES_VERSION };
  const nothing = { dataDir, versions, nodes: [], pods: { running: 0, total: 0 }, certificates: listCertificates(dataDir), warnings: [] };
  if (instance === undefined || !isRunning(instance)) return { running: false, ...nothing };
  const { main, helpers, writtenBytes } = usageOf(instance.pid, conmons(site));
  const startedAt = new Date(instance.startedAt).toISOString();
  const seen = await seeCluster(instance);
  const status: Status = {
    ...nothing, running: true, role: instance.verb, pid: instance.pid, startedAt, versions: { ...versions, skiff: instance.version }, server: instance.url,
    nodes: seen.nodes, pods: seen.pods, memory: { main, helpers }, written: { bytes: writtenBytes, since: startedAt },
  };
  return { ...status, warnings: [...seen.warnings, ...warningsOf(status, clock.now()), ...(await machineWarnings(instance))] };
}

async function seeCluster({ verb, dataDir, url, nodeName }: Instance): Promise<Pick<Status, 'nodes' | 'pods' | 'warnings'>> {
  let transport: ReturnType<typeof openLocalAccess>['transport'] | undefined;
  try {
    const access = openLocalAccess(dataDir, url);
    transport = access.transport;
    // A node sees itself and its own pods; the server sees all.
    const own = verb === 'agent' ? nodeName : undefined;
    const [nodes, pods] = await Promise.all([
      access.client.list(NODES, own === undefined ? {} : { fieldSelector: `metadata.name=${own}` }),
      access.client.list(PODS, own === undefined ? {} : { fieldSelector: `spec.nodeName=${own}` }),
    ]);
    return { nodes: nodes.items.map(nodeStatusOf), pods: { total: pods.items.length, running: pods.items.filter(isRunningPod).length }, warnings: [] };
  } catch (error) {
    return { nodes: [], pods: { running: 0, total: 0 }, warnings: [`the API server does not answer: ${messageOf(error)}`] };
  } finally {
    transport?.close();
  }
}

function isRunningPod({ status }: Pod): boolean {
  return status?.phase === 'Running';
}

function nodeStatusOf({ metadata, spec, status }: Node): NodeStatus {
  const conditions = status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  const pressures = conditions.filter(({ type, status: value }) => PRESSURES.includes(type) && value === 'True').map(({ type }) => type);
  const wrong = [...(ready?.status === 'True' ? [] : [ready?.message ?? 'it has not said that it is ready']), ...pressures, ...(spec?.unschedulable === true ? ['cordoned'] : [])];
  return {
    name: metadata.name,
    roles: Object.keys(metadata.labels ?? {}).filter((label) => label.startsWith('node-role.kubernetes.io/')).map((label) => label.slice('node-role.kubernetes.io/'.length)).sort(),
    ready: ready?.status === 'True',
    ...(wrong.length > 0 && { message: wrong.join(', ') }),
    address: status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '',
    version: status?.nodeInfo?.kubeletVersion ?? '',
  };
}

/** Pure. `now` in epoch ms. */
export function warningsOf({ nodes, certificates, versions }: Pick<Status, 'nodes' | 'certificates' | 'versions'>, now: number): string[] {
  const ending = certificates.filter(({ notAfter }) => Date.parse(notAfter) - now < CERTIFICATE_WARNING_MS);
  const early = certificates.find(({ notBefore }) => Date.parse(notBefore) > now);
  return [
    ...nodes.filter(({ message }) => message !== undefined).map(({ name, message }) => `node ${name}: ${message ?? ''}`),
    ...ending.map(({ name, notAfter }) => (Date.parse(notAfter) <= now ? `certificate ${name} ended on ${notAfter.slice(0, 10)}` : `certificate ${name} ends on ${notAfter.slice(0, 10)}: it is renewed while Skiff runs; if not, see the log`)),
    ...(early === undefined ? [] : [`the clock says ${new Date(now).toISOString()}, which is before certificate ${early.name} was made (${early.notBefore}): set it right, timedatectl set-ntp true`]),
    ...(versions.skiff === SKIFF_VERSION_TEXT ? [] : [`${versions.skiff} runs, ${SKIFF_VERSION_TEXT} is installed: restart Skiff; containers go on`]),
  ];
}

/** What `skiff check` would say today of what can go wrong later. */
async function machineWarnings({ verb, dataDir, nodeName }: Instance): Promise<string[]> {
  const settings = { ...readSettings(verb, ['--data-dir', dataDir], {}) };
  const rows = await look({ verb, settings, node: nodeName !== undefined }, thisMachine(), [cgroups, disk, time]);
  return rows.filter(({ status }) => status !== 'ok').map(({ message, fix }) => `${message}${fix === undefined ? '' : `: ${fix}`}`);
}
