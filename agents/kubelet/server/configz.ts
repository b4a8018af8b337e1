// /configz: the kubelet's settings as upstream's KubeletConfiguration, with what is always so here.
import type { NodeContext } from '../node-context.ts';
import { DEFAULT_CONFIGURATION, type KubeletConfiguration } from '../configuration/configuration.ts';

/** Of pods' files and lists nothing is looked at by the clock: what has an interval upstream is told of its changes. */
const ALWAYS = {
  address: '0.0.0.0', authentication: { x509: {}, webhook: { enabled: true, cacheTTL: '1m0s' }, anonymous: { enabled: false } }, authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '1m0s', cacheUnauthorizedTTL: '1m0s' } },
  nodeStatusUpdateFrequency: '10s', nodeStatusReportFrequency: '5m0s', nodeLeaseDurationSeconds: 40, cgroupsPerQOS: true, cpuManagerPolicy: 'none', memoryManagerPolicy: 'None', topologyManagerPolicy: 'none', topologyManagerScope: 'container', cpuCFSQuotaPeriod: '100ms',
  failSwapOn: false, failCgroupV1: false, enableServer: true, registerNode: true, localStorageCapacityIsolation: true, enableControllerAttachDetach: true, configMapAndSecretChangeDetectionStrategy: 'Watch', enableProfilingHandler: false, enableDebugFlagsHandler: false, enableSystemLogQuery: false,
  healthzPort: 0, hairpinMode: 'hairpin-veth', makeIPTablesUtilChains: false, volumePluginDir: '',
} as const;

export function configz({ dns, logsDir, settings }: NodeContext, port: number): object {
  const { imageCredentialProviderConfig: _plugins, imageCredentialProviderBinDir: _programs, maxContainerRestartPeriod, memorySwapBehavior, idsPerPod, ...fields } = settings satisfies KubeletConfiguration;
  return {
    kind: 'KubeletConfiguration', apiVersion: 'kubelet.config.k8s.io/v1beta1', port, ...ALWAYS, clusterDomain: dns.clusterDomain, clusterDNS: dns.clusterDns, resolvConf: dns.resolvConf, podLogsDir: logsDir,
    ...(idsPerPod !== DEFAULT_CONFIGURATION.idsPerPod && { userNamespaces: { idsPerPod } }), crashLoopBackOff: { maxContainerRestartPeriod }, memorySwap: memorySwapBehavior === '' ? {} : { swapBehavior: memorySwapBehavior }, ...fields,
  };
}
