// `skiff server`: settings → preflight → keys → control plane → node → ready, and down again on SIGTERM or SIGINT. Containers go on.
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../internal/base/clock.ts';
import { command } from '../internal/base/command.ts';
import { startAll } from '../internal/base/component.ts';
import { writeFileAtomically } from '../internal/base/files.ts';
import { createLog, type Log } from '../internal/base/log.ts';
import { systemRandom } from '../internal/base/random.ts';
import { AUTHENTICATED_GROUP, MASTERS_GROUP } from '../internal/api/user.ts';
import { openAuthority, type Authority } from '../internal/cluster/authority.ts';
import { openJoinToken, parseJoinToken } from '../internal/cluster/join-token.ts';
import { formatKubeconfig } from '../internal/cluster/kubeconfig.ts';
import type { Loop } from '../internal/informer/loop.ts';
import { clusterSettings, createControlPlane, type ControlPlane } from './control-plane.ts';
import type { Settings } from './flags.ts';
import { hostAddress, hostNodeName } from './host.ts';
import { createNode, type NodeParts } from './node.ts';
import { findProblems } from './preflight.ts';
import { notifyReady } from './service-manager.ts';
import { givenToken, readSettings } from './settings.ts';
import { terminationSignal } from './termination.ts';
import { SKIFF_VERSION_TEXT } from './version.ts';

const NODES_GROUP = 'system:nodes';
const PROXY_USER = { username: 'system:kube-proxy', groups: ['system:node-proxier', AUTHENTICATED_GROUP] };

export async function runServer(argv: readonly string[]): Promise<number> {
  const settings = readSettings('server', argv, process.env);
  const log = createLog({ level: settings['log-level'] as 'info', format: settings['log-format'] as 'text', clock: systemClock, write: (line) => void process.stderr.write(line) });
  const node = !settings['disable-agent'];
  const problems = findProblems({ dataDir: settings['data-dir'], node, ociRuntime: settings['oci-runtime'], path: process.env['PATH'] ?? '', uid: process.getuid?.() ?? 0 });
  if (problems.length > 0) throw new Error(problems.join('; '));
  const stopped = terminationSignal();
  const running = await startServer(settings, log);
  await notifyReady(process.env, `Skiff ${SKIFF_VERSION_TEXT} is ready`);
  log.info(`stopping on ${await stopped}`);
  await running.stop();
  return 0;
}

async function startServer(settings: Settings, log: Log): Promise<{ stop(): Promise<void> }> {
  const [clock, random] = [systemClock, systemRandom];
  const serverDir = join(settings['data-dir'], 'server');
  const authority = openAuthority(join(serverDir, 'tls'), { clock, random });
  const token = openJoinToken(serverDir, givenToken(settings), authority.pin, random);
  const passwords = [token.password, ...(settings['agent-token'] === undefined ? [] : [parseJoinToken(settings['agent-token']).password])];
  const nodeIp = settings['node-ip'][0] ?? hostAddress();
  const address = settings['advertise-address'] ?? nodeIp;
  const plane = await createControlPlane(settings, { authority, address, passwords, log });
  const components = [...plane.components, { name: 'kubeconfig', start: () => writeKubeconfig(settings, authority), stop: () => Promise.resolve() }];
  const node = settings['disable-agent'] ? undefined : createServerNode(settings, { plane, authority, nodeIp, log });
  const running = await startAll([...components, ...(node?.components ?? [])], log);
  await node?.ready;
  log.info('ready', { address: `https://${address}:${String(settings['https-listen-port'])}`, kubeconfig: settings['write-kubeconfig'] });
  return running;
}

function createServerNode(settings: Settings, { plane, authority, nodeIp, log }: { plane: ControlPlane; authority: Authority; nodeIp: string; log: Log }): NodeParts {
  const nodeName = settings['node-name'] ?? hostNodeName();
  const user = { username: `system:node:${nodeName}`, groups: [NODES_GROUP, AUTHENTICATED_GROUP] };
  const serving = authority.leaf('serving-kubelet', 'serverCa', { subject: { commonName: user.username, organizations: [NODES_GROUP] }, names: [nodeName, '127.0.0.1', nodeIp], usages: ['server'] });
  const cluster = {
    client: plane.clientOf(user),
    views: plane.views,
    viewsAreLocal: true,
    run: (loop: Loop) => plane.run(loop, PROXY_USER, 'kube-proxy'),
    tls: { cert: serving.certificate, key: serving.key, clientCa: authority.clientCa.certificate },
    ...clusterSettings(settings),
  };
  return createNode(settings, { cluster, nodeName, nodeIps: settings['node-ip'].length > 0 ? settings['node-ip'] : [nodeIp], log });
}

async function writeKubeconfig(settings: Settings, authority: Authority): Promise<void> {
  const admin = authority.leaf('client-admin', 'clientCa', { subject: { commonName: 'system:admin', organizations: [MASTERS_GROUP] }, usages: ['client'] });
  const path = settings['write-kubeconfig'];
  const text = formatKubeconfig({ url: `https://127.0.0.1:${String(settings['https-listen-port'])}`, ca: authority.serverCa.certificate, ...admin });
  writeFileAtomically(path, text, { mode: Number.parseInt(settings['write-kubeconfig-mode'], 8), sync: false });
  const group = settings['write-kubeconfig-group'];
  if (group !== undefined) chownSync(path, 0, Number((await command('getent', ['group', group])).split(':')[2]));
}
