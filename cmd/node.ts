// A node, wired in flow order: images → pod network → runtime → kubelet → service proxy → DNS. The same parts on a server, where the client
// is the pipeline and the views read the store, and on an agent, where both speak HTTPS.
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { isSea } from 'node:sea';
import { systemClock } from '../internal/base/clock.ts';
import type { Component } from '../internal/base/component.ts';
import { readFileIfThere } from '../internal/base/files.ts';
import type { Ledger } from '../internal/base/ledger.ts';
import type { Log } from '../internal/base/log.ts';
import { systemRandom } from '../internal/base/random.ts';
import { parseYaml } from '../internal/api/yaml.ts';
import type { Client } from '../internal/client/client.ts';
import type { Loop } from '../internal/informer/loop.ts';
import type { View, Views } from '../internal/informer/view.ts';
import type { Node } from '../internal/kinds/generated/api-types.ts';
import { NODES } from '../internal/kinds/generated/resources.ts';
import { createDns } from '../agents/dns/index.ts';
import type { ImageStore } from '../agents/images/image-store.ts';
import { createImageStore } from '../agents/images/local-image-store.ts';
import { NO_REGISTRIES, parseRegistrySettings, type RegistrySettings } from '../agents/images/registry-settings.ts';
import { readKubeletConfiguration } from '../agents/kubelet/configuration/configuration.ts';
import { createKubelet } from '../agents/kubelet/index.ts';
import type { KubeletTls } from '../agents/kubelet/server/server.ts';
import { noteMissingTables } from '../agents/network/own-chains.ts';
import type { PodNetwork } from '../agents/network/pod-network.ts';
import { createPointToPointNetwork } from '../agents/network/point-to-point.ts';
import { BACKENDS, createRoutes, type Backend } from '../agents/network/routes.ts';
import { vxlanMtu } from '../agents/network/vxlan.ts';
import { createProxy } from '../agents/proxy/index.ts';
import { createRuncRuntime } from '../agents/runtime/runc/index.ts';
import type { Runtime } from '../agents/runtime/runtime.ts';
import type { Settings } from './flags.ts';
import { hostResolvConf } from './host.ts';
import { runDirOf } from './places.ts';
import { terminalAddon } from './terminal-addon.ts';
import { KUBERNETES_VERSION } from './version.ts';

/** What a node needs of the cluster, wherever its server is. */
export interface ClusterAccess {
  client: Client;
  views: Views;
  /** The views read the store itself. */
  viewsAreLocal: boolean;
  /** Where an agent keeps the ConfigMaps, Secrets and tokens of its pods. */
  lastKnownDir?: string;
  run(loop: Loop): Component;
  /** The kubelet's serving pair, and the CA of those who may call it. */
  tls: KubeletTls;
  clusterCidr: string;
  /** How pods of other nodes are reached. */
  networkBackend: string;
  clusterDns: readonly string[];
  clusterDomain: string;
  /** Default: below the node's data folder. */
  localStoragePath?: string;
}

export interface NodeParts {
  components: Component[];
  /** Before all stops, when the machine goes down. */
  endPods(): Promise<void>;
  /** Resolves when the API shows the node Ready. */
  ready: Promise<void>;
}

type NodeSettings = Pick<Settings, 'data-dir' | 'private-registry' | 'container-runtime-endpoint' | 'oci-runtime' | 'kubelet-port' | 'node-external-ip' | 'node-label' | 'node-taint' | 'resolv-conf' | 'kubelet-arg' | 'image-credential-provider-config' | 'image-credential-provider-bin-dir'> & { disable?: readonly string[] };

export async function createNode(settings: NodeSettings, { cluster, nodeName, nodeIps, ledger, log }: { cluster: ClusterAccess; nodeName: string; nodeIps: () => readonly string[]; ledger: Ledger; log: Log }): Promise<NodeParts> {
  const [clock, random] = [systemClock, systemRandom];
  const dataDir = realpathSync(settings['data-dir']); // it may be a link to a disk; runc takes no root behind one
  const resolvConf = settings['resolv-conf'] ?? hostResolvConf();
  const disabled = new Set(settings.disable ?? []);
  const nodes = cluster.views.of(NODES);
  const backend = backendOf(cluster.networkBackend);
  const network = createPointToPointNetwork({ ...(backend === 'vxlan' && { mtu: () => vxlanMtu(nodeIps()[0] ?? '') }), ledger, directory: join(dataDir, 'agent/network'), clusterCidr: cluster.clusterCidr, podCidr: () => seen(nodes, nodeName, ({ spec }) => spec.podCIDR) });
  const { images, runtime } = await openRuntime(settings, { dataDir, network, backend, ledger, log });
  const kubelet = createKubelet({
    nodeName, nodeIps, runtime, images, clock, random, log, ledger, resolvConf,
    ...cluster,
    ...(settings['node-external-ip'].length > 0 && { externalIps: settings['node-external-ip'] }),
    version: `v${KUBERNETES_VERSION}+skiff1`,
    port: settings['kubelet-port'],
    settings: readKubeletConfiguration(kubeletArgs(settings), (message) => log.warn(message)),
    manifestsDir: join(dataDir, 'agent/pod-manifests'),
    imagesDir: dataDir,
    ...(!disabled.has('local-storage') && { localVolumesDir: cluster.localStoragePath ?? join(dataDir, 'storage') }),
    labels: Object.fromEntries(settings['node-label'].map(splitLabel)),
    taints: settings['node-taint'].map(parseTaint),
  });
  const components: Component[] = [{ name: 'ledger', start: () => noteMissingTables(ledger), stop: () => Promise.resolve() }, lifecycle('images', images), lifecycle('runtime', runtime), kubelet];
  if (backend !== 'none') components.push(createRoutes({ nodeName, backend, run: cluster.run }));
  if (!disabled.has('proxy')) components.push(createProxy({ nodeName, clusterCidr: cluster.clusterCidr, run: cluster.run, ledger }));
  if (!disabled.has('dns')) components.push(createDns({ views: cluster.views, addresses: [...cluster.clusterDns], port: 53, domain: cluster.clusterDomain, resolvConf, clock, random, log }));
  return { components, endPods: () => kubelet.endPods(), ready: seen(nodes, nodeName, isReady).then(() => undefined) };
}

/** Built in, over runc; or a CRI socket, whose code is loaded only then. */
async function openRuntime(settings: NodeSettings, { dataDir, network, backend, ledger, log }: { dataDir: string; network: PodNetwork; backend: Backend; ledger: Ledger; log: Log }): Promise<{ images: ImageStore; runtime: Runtime }> {
  const registries = readRegistries(settings['private-registry']);
  const endpoint = settings['container-runtime-endpoint'];
  const runDir = runDirOf(settings['data-dir']);
  if (endpoint !== '') {
    const [{ createCri }, { createCniNetwork }] = await Promise.all([import('../agents/runtime/cri/index.ts'), import('../agents/network/cni/network.ts')]);
    const cni = backend === 'none' ? undefined : createCniNetwork({ network, socketPath: join(runDir, 'cni.sock'), program: ownProgram(), ledger });
    return createCri({ endpoint, registries, clock: systemClock, log, ...(cni !== undefined && { network: cni }) });
  }
  const images = createImageStore({ dataDir, registries, clock: systemClock, log });
  return { images, runtime: createRuncRuntime({ dataDir, images, network, clock: systemClock, random: systemRandom, log, runDir, ociRuntime: settings['oci-runtime'], terminalAddon }) };
}

/** Words that run this program again. */
function ownProgram(): string[] {
  return isSea() ? [process.execPath] : [process.execPath, join(import.meta.dirname, 'main.ts')];
}

function backendOf(text: string): Backend {
  const found = BACKENDS.find((one) => one === text);
  if (found === undefined) throw new Error(`--network-backend: ${text} is not built yet; one of ${BACKENDS.join(', ')}`);
  return found;
}

function lifecycle(name: string, part: Pick<Component, 'start' | 'stop'>): Component {
  return { name, start: () => part.start(), stop: () => part.stop() };
}

function splitLabel(text: string): [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

/** `key=value:Effect`, as the flag's check has it. */
function parseTaint(text: string): { key: string; value: string; effect: 'NoSchedule' } {
  const [, key = '', value = '', effect] = /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(text) ?? [];
  return { key, value, effect: effect as 'NoSchedule' };
}

function readRegistries(path: string): RegistrySettings {
  const text = readFileIfThere(path);
  if (text === undefined) return NO_REGISTRIES;
  try {
    return parseRegistrySettings(parseYaml(text) ?? {});
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}; correct the file and start again`, { cause: error });
  }
}

/** What the view shows of the node, as soon as there is something. */
function seen<T>(nodes: View<Node>, name: string, look: (node: Node) => T | undefined): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  const show = (node: Node | undefined): void => {
    const found = node === undefined ? undefined : look(node);
    if (found !== undefined) resolve(found);
  };
  const end = nodes.subscribe(({ type, object }) => show(type === 'DELETED' || object.metadata.name !== name ? undefined : object));
  void promise.then(end);
  return promise;
}

function isReady({ status }: Node): true | undefined {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true ? true : undefined;
}

/** With those that have flags of their own, as K3s has them. */
function kubeletArgs(settings: NodeSettings): string[] {
  const own = (['image-credential-provider-config', 'image-credential-provider-bin-dir'] as const).flatMap((name) => (settings[name] === undefined ? [] : [`${name}=${settings[name]}`]));
  return [...own, ...settings['kubelet-arg']];
}
