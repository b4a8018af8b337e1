// `skiff server`: settings → preflight → keys → control plane → node → ready, and down again on SIGTERM or SIGINT. Containers go on.
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../internal/base/clock.ts';
import { command } from '../internal/base/command.ts';
import { startAll, type Component } from '../internal/base/component.ts';
import { messageOf } from '../internal/base/errors.ts';
import { writeFileAtomically } from '../internal/base/files.ts';
import type { Ledger } from '../internal/base/ledger.ts';
import type { Log } from '../internal/base/log.ts';
import { systemRandom } from '../internal/base/random.ts';
import { AUTHENTICATED_GROUP, MASTERS_GROUP } from '../internal/api/user.ts';
import { openAuthority, type Authority } from '../internal/cluster/authority.ts';
import type { KeyPair } from '../internal/cluster/certificate.ts';
import { openJoinToken, parseJoinToken, readJoinPassword } from '../internal/cluster/join-token.ts';
import { formatKubeconfig } from '../internal/cluster/kubeconfig.ts';
import { createLeaves, type Leaves } from '../internal/cluster/leaves.ts';
import type { Loop } from '../internal/informer/loop.ts';
import { NODES } from '../internal/kinds/generated/resources.ts';
import { LOOPBACK_USER } from './api-core.ts';
import { clusterSettings, createControlPlane, type ControlPlane } from './control-plane.ts';
import type { Settings } from './flags.ts';
import { openNodeAddresses } from './node-addresses.ts';
import { keepNodeName, nodeNameOf } from './node-name.ts';
import type { ServingPair } from '../agents/kubelet/server/server.ts';
import { tellOfInstance } from './instance.ts';
import { createNode, type NodeParts } from './node.ts';
import { CONFIG_DIR } from './places.ts';
import { announced } from './service-manager.ts';
import { givenToken } from './settings.ts';
import { runStart, type Start } from './start.ts';
import { untilReady, type Serving } from './termination.ts';
import { SKIFF_VERSION_TEXT } from './version.ts';

const NODES_GROUP = 'system:nodes';
const PROXY_USER = { username: 'system:kube-proxy', groups: ['system:node-proxier', AUTHENTICATED_GROUP] };

export function runServer(argv: readonly string[]): Promise<number> {
  return runStart('server', argv, startServer);
}

async function startServer(settings: Settings, { stopping, ledger, manager, log }: Start): Promise<Serving> {
  const [clock, random] = [systemClock, systemRandom];
  ledger.making(settings['data-dir'], 'tree');
  const serverDir = join(settings['data-dir'], 'server');
  const authority = openAuthority(join(serverDir, 'tls'), { clock, random });
  const leaves = createLeaves({ authority, clock, log });
  openJoinToken(serverDir, givenToken(settings), authority.pin, random);
  const agentToken = settings['agent-token'];
  const passwords = (): string[] => [readJoinPassword(serverDir), agentToken === undefined ? undefined : parseJoinToken(agentToken).password].filter((password) => password !== undefined);
  const nodeName = nodeNameOf(settings);
  keepNodeName(settings, nodeName);
  const nodeIps = await openNodeAddresses({ given: settings['node-ip'], dataDir: settings['data-dir'], clock, log });
  const advertised = settings['advertise-address'];
  const addresses = (): readonly string[] => (advertised === undefined ? nodeIps() : [advertised, ...nodeIps()]);
  const plane = await createControlPlane(settings, { authority, leaves, addresses, nodeName, passwords, log });
  const node = settings['disable-agent'] ? undefined : await createServerNode(settings, { plane, authority, leaves, nodeName, nodeIps, ledger, log });
  const instance = tellOfInstance('server', settings, {
    url: `https://127.0.0.1:${String(settings['https-listen-port'])}`, tokenGiven: givenToken(settings) !== undefined, startedAt: clock.now(), ...(!settings['disable-agent'] && { nodeName }),
  });
  const components = [instance, ...plane.components, kubeconfig(settings, { authority, leaves, ledger, log }), leaves, ...(node?.components ?? [])];
  const running = await startAll(announced(components, manager), log, stopping);
  manager.starting('the node');
  await untilReady(running, node?.ready ?? Promise.resolve(), { stopping });
  if (node !== undefined) await showRole(plane, nodeName);
  const url = `https://${addresses()[0] ?? ''}:${String(settings['https-listen-port'])}`;
  log.info('ready', { address: url, kubeconfig: settings['write-kubeconfig'] });
  manager.ready(`Skiff ${SKIFF_VERSION_TEXT} is ready at ${url}`);
  return { ...running, ...(node !== undefined && { endPods: node.endPods }) };
}

/** What `kubectl get nodes` shows as its role. A kubelet may not say that of itself. */
async function showRole(plane: ControlPlane, nodeName: string): Promise<void> {
  const patch = { type: 'merge' as const, body: { metadata: { labels: { 'node-role.kubernetes.io/control-plane': 'true' } } } };
  await plane.clientOf(LOOPBACK_USER).patch(NODES, { namespace: '', name: nodeName }, patch);
}

interface ServerNodeOptions {
  plane: ControlPlane;
  authority: Authority;
  leaves: Leaves;
  nodeName: string;
  nodeIps: () => readonly string[];
  ledger: Ledger;
  log: Log;
}

function createServerNode(settings: Settings, { plane, authority, leaves, nodeName, nodeIps, ledger, log }: ServerNodeOptions): Promise<NodeParts> {
  const user = { username: `system:node:${nodeName}`, groups: [NODES_GROUP, AUTHENTICATED_GROUP] };
  const names = (): string[] => [nodeName, '127.0.0.1', ...nodeIps(), ...settings['node-external-ip']];
  const serving = leaves.hold({ file: 'serving-kubelet', ca: 'serverCa', subject: { commonName: user.username, organizations: [NODES_GROUP] }, names, usages: ['server'] });
  const pairOf = ({ certificate, key }: KeyPair): ServingPair => ({ cert: certificate, key });
  const cluster = {
    client: plane.clientOf(user),
    views: plane.views,
    viewsAreLocal: true,
    run: (loop: Loop) => plane.run(loop, PROXY_USER, 'kube-proxy'),
    tls: { pair: () => pairOf(serving.current), onRenewed: (listener: (pair: ServingPair) => void) => serving.onRenewed((pair) => listener(pairOf(pair))), clientCa: authority.clientCa.certificate },
    ...clusterSettings(settings),
  };
  return createNode(settings, { cluster, nodeName, nodeIps, ledger, log });
}

/** The admin's kubeconfig: written at start, and again with a renewed certificate. */
function kubeconfig(settings: Settings, { authority, leaves, ledger, log }: { authority: Authority; leaves: Leaves; ledger: Ledger; log: Log }): Component {
  const admin = leaves.hold({ file: 'client-admin', ca: 'clientCa', subject: { commonName: 'system:admin', organizations: [MASTERS_GROUP] }, usages: ['client'] });
  ledger.making(CONFIG_DIR, 'tree');
  ledger.making(settings['write-kubeconfig']);
  const write = (): Promise<void> => writeKubeconfig(settings, authority.serverCa.certificate, admin.current);
  admin.onRenewed(() => void write().catch((error: unknown) => log.warn('the kubeconfig could not be written', { path: settings['write-kubeconfig'], error: messageOf(error) })));
  return { name: 'kubeconfig', start: write, stop: () => Promise.resolve() };
}

async function writeKubeconfig(settings: Settings, ca: string, admin: KeyPair): Promise<void> {
  const path = settings['write-kubeconfig'];
  const text = formatKubeconfig({ url: `https://127.0.0.1:${String(settings['https-listen-port'])}`, ca, ...admin });
  writeFileAtomically(path, text, { mode: Number.parseInt(settings['write-kubeconfig-mode'], 8), sync: false });
  const group = settings['write-kubeconfig-group'];
  if (group !== undefined) chownSync(path, 0, Number((await command('getent', ['group', group])).split(':')[2]));
}
