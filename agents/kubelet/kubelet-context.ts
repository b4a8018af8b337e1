// The kubelet's NodeContext, put together from its options and the parts that it has made.
import { createLimit, type Limit } from '../../internal/base/limit.ts';
import { NO_LEDGER } from '../../internal/base/ledger.ts';
import { createEventRecorder } from '../../internal/informer/event-recorder.ts';
import { SERVICEACCOUNTS } from '../../internal/kinds/generated/resources.ts';
import { lowestOomScoreAdj } from './node/capacity.ts';
import type { KubeletConfiguration } from './configuration/configuration.ts';
import { LOGS_DIR, type KubeletOptions } from './kubelet-options.ts';
import type { LastKnown } from './last-known/files.ts';
import type { NodeContext } from './node-context.ts';
import { createFetchedObjects, createLocalObjects } from './objects.ts';
import { findContainer } from './pod-spec.ts';
import { createStartCounts } from './start-counts.ts';
import { createCounts } from './stats/counts.ts';
import { measuredCgroups, measuredRuntime } from './stats/measured.ts';
import { createLocalVolumes } from './volumes/local-volumes.ts';
import { createTokenSource } from './volumes/token-source.ts';

export interface ContextParts extends Pick<NodeContext, 'devices' | 'claims' | 'kubeletDir' | 'memoryDir' | 'settings' | 'cgroups' | 'memoryCapacityBytes' | 'self' | 'allocatable' | 'pressures' | 'imageUsed' | 'pullRecords' | 'csi'> {
  lastKnown: LastKnown | undefined;
}

/** A configuration of credential plugins that cannot be meant ends the start. */
export async function createNodeContext(options: KubeletOptions, { lastKnown, ...parts }: ContextParts): Promise<NodeContext> {
  const { client, views, clock, random, log, nodeName, images, ledger = NO_LEDGER } = options;
  const recorder = createEventRecorder({ client, clock, random, log, component: 'kubelet', host: nodeName });
  const counts = createCounts(clock);
  const node: NodeContext = {
    ...parts, nodeName, client, views, clock, random, log, ledger, images, counts,
    logsDir: options.logsDir ?? LOGS_DIR,
    runtime: measuredRuntime(options.runtime, counts), cgroups: measuredCgroups(parts.cgroups, counts),
    dns: { clusterDns: options.clusterDns, clusterDomain: options.clusterDomain, resolvConf: options.resolvConf ?? '/etc/resolv.conf' },
    objects: options.viewsAreLocal ? createLocalObjects(views) : createFetchedObjects(client, clock, lastKnown),
    tokens: createTokenSource({ client, clock, random, lastKnown }),
    ...(options.localVolumesDir !== undefined && { localVolumes: createLocalVolumes({ root: options.localVolumesDir, ledger }) }),
    pullTurn: pullTurnsOf(parts.settings), oomScoreAdjMin: lowestOomScoreAdj(), starts: createStartCounts(),
    get nodeIps() {
      return options.nodeIps();
    },
    eventAbout: (object, type, reason, message) => recorder.event(object, type, reason, message),
    event(pod, type, reason, message, container) {
      const kind = container === undefined ? undefined : findContainer(pod, container)?.kind;
      const list = kind === 'ephemeral' ? 'ephemeralContainers' : kind === 'init' || kind === 'sidecar' ? 'initContainers' : 'containers';
      recorder.event(pod, type, reason, message, container === undefined || container === '' ? {} : { fieldPath: `spec.${list}{${container}}` });
    },
  };
  await loadCredentialPlugins(node);
  return node;
}

/** Most nodes have none. */
async function loadCredentialPlugins(node: NodeContext): Promise<void> {
  const { imageCredentialProviderConfig: path, imageCredentialProviderBinDir: binDir } = node.settings;
  if (path === '') return;
  const [{ readPluginConfig }, { createCredentialPlugins }] = await Promise.all([import('./pulling/plugin-config.ts'), import('./pulling/plugins.ts')]);
  node.credentialPlugins = createCredentialPlugins(readPluginConfig(path, binDir), {
    binDir, clock: node.clock, log: node.log, serviceAccount: (namespace, name) => node.client.get(SERVICEACCOUNTS, { namespace, name }),
    token: async (pod, audience) => (await node.tokens.tokenFor(pod, { audience, path: '' })).token,
  });
}

function pullTurnsOf({ serializeImagePulls, maxParallelImagePulls }: KubeletConfiguration): Limit {
  return createLimit(serializeImagePulls ? 1 : maxParallelImagePulls || Infinity);
}
