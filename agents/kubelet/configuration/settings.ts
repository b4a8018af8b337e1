// The one table of the kubelet's settings: field of KubeletConfiguration, upstream's flag where there is one, kind, default.

export type SettingKind = 'string' | 'integer' | 'boolean' | 'duration' | 'quantity' | 'list' | 'map' | 'quantities' | 'thresholds' | 'amounts' | 'durations' | 'headers' | 'groups';

export interface Setting {
  key: string;
  flag?: string;
  kind: SettingKind;
  default: unknown;
  check?(value: number | string): string | undefined;
}

const atLeast = (low: number) => (value: number | string): string | undefined => (Number(value) >= low ? undefined : `must be at least ${String(low)}`);
const oneOf = (...words: string[]) => (value: number | string): string | undefined => (words.includes(String(value)) ? undefined : `must be one of ${words.join(', ')}`);
const percent = (value: number | string): string | undefined => (Number(value) >= 0 && Number(value) <= 100 ? undefined : 'must be between 0 and 100');

/** Of user namespaces: as many ids as a pod has, if nothing else is said. */
const IDS_UNIT = 65536;
const idsPerPod = (value: number | string): string | undefined => {
  if (Number(value) < IDS_UNIT) return `must not be less than ${String(IDS_UNIT)}`;
  if (Number(value) % IDS_UNIT !== 0) return `must be a multiple of ${String(IDS_UNIT)}`;
  return Number(value) > 2 ** 32 - 1 ? `must not be more than ${String(2 ** 32 - 1)}` : undefined;
};

export const SETTINGS = [
  { key: 'maxPods', flag: 'max-pods', kind: 'integer', default: 110, check: atLeast(0) },
  { key: 'podsPerCore', flag: 'pods-per-core', kind: 'integer', default: 0, check: atLeast(0) },
  { key: 'podPidsLimit', flag: 'pod-max-pids', kind: 'integer', default: -1 },
  { key: 'systemReserved', flag: 'system-reserved', kind: 'quantities', default: {} },
  { key: 'kubeReserved', flag: 'kube-reserved', kind: 'quantities', default: {} },
  { key: 'evictionHard', flag: 'eviction-hard', kind: 'thresholds', default: { 'imagefs.available': '15%', 'imagefs.inodesFree': '5%', 'memory.available': '100Mi', 'nodefs.available': '10%', 'nodefs.inodesFree': '5%' } },
  { key: 'evictionSoft', flag: 'eviction-soft', kind: 'thresholds', default: {} },
  { key: 'evictionSoftGracePeriod', flag: 'eviction-soft-grace-period', kind: 'durations', default: {} },
  { key: 'evictionMinimumReclaim', flag: 'eviction-minimum-reclaim', kind: 'amounts', default: {} },
  { key: 'evictionMaxPodGracePeriod', flag: 'eviction-max-pod-grace-period', kind: 'integer', default: 0 },
  { key: 'evictionPressureTransitionPeriod', flag: 'eviction-pressure-transition-period', kind: 'duration', default: '5m0s' },
  { key: 'mergeDefaultEvictionSettings', kind: 'boolean', default: false },
  { key: 'imageGCHighThresholdPercent', flag: 'image-gc-high-threshold', kind: 'integer', default: 85, check: percent },
  { key: 'imageGCLowThresholdPercent', flag: 'image-gc-low-threshold', kind: 'integer', default: 80, check: percent },
  { key: 'imageMinimumGCAge', flag: 'minimum-image-ttl-duration', kind: 'duration', default: '2m0s' },
  { key: 'imageMaximumGCAge', kind: 'duration', default: '0s' },
  // Upstream's default is true: one pull at a time, and one slow registry keeps all others waiting.
  { key: 'serializeImagePulls', flag: 'serialize-image-pulls', kind: 'boolean', default: false },
  { key: 'maxParallelImagePulls', kind: 'integer', default: 0, check: atLeast(0) },
  { key: 'imagePullCredentialsVerificationPolicy', kind: 'string', default: 'NeverVerifyPreloadedImages', check: oneOf('NeverVerify', 'NeverVerifyPreloadedImages', 'NeverVerifyAllowlistedImages', 'AlwaysVerify') },
  { key: 'preloadedImagesVerificationAllowlist', kind: 'list', default: [] },
  // Of upstream's flags only, not of its configuration.
  { key: 'imageCredentialProviderConfig', flag: 'image-credential-provider-config', kind: 'string', default: '' },
  { key: 'imageCredentialProviderBinDir', flag: 'image-credential-provider-bin-dir', kind: 'string', default: '' },
  { key: 'allowedUnsafeSysctls', flag: 'allowed-unsafe-sysctls', kind: 'list', default: [] },
  { key: 'seccompDefault', flag: 'seccomp-default', kind: 'boolean', default: false },
  { key: 'cpuCFSQuota', flag: 'cpu-cfs-quota', kind: 'boolean', default: true },
  { key: 'containerLogMaxSize', flag: 'container-log-max-size', kind: 'quantity', default: '10Mi' },
  { key: 'containerLogMaxFiles', flag: 'container-log-max-files', kind: 'integer', default: 5 },
  { key: 'staticPodPath', flag: 'pod-manifest-path', kind: 'string', default: '' },
  { key: 'staticPodURL', flag: 'manifest-url', kind: 'string', default: '' },
  { key: 'staticPodURLHeader', flag: 'manifest-url-header', kind: 'headers', default: {} },
  { key: 'httpCheckFrequency', flag: 'http-check-frequency', kind: 'duration', default: '20s' },
  { key: 'nodeStatusMaxImages', flag: 'node-status-max-images', kind: 'integer', default: 50 },
  { key: 'shutdownGracePeriod', kind: 'duration', default: '0s' },
  { key: 'shutdownGracePeriodCriticalPods', kind: 'duration', default: '0s' },
  { key: 'shutdownGracePeriodByPodPriority', kind: 'groups', default: [] },
  { key: 'maxContainerRestartPeriod', kind: 'duration', default: '5m0s' },
  { key: 'idsPerPod', flag: 'userNamespaces.idsPerPod', kind: 'integer', default: IDS_UNIT, check: idsPerPod },
  { key: 'enableDebuggingHandlers', flag: 'enable-debugging-handlers', kind: 'boolean', default: true },
  { key: 'enableSystemLogHandler', kind: 'boolean', default: true },
  { key: 'cgroupDriver', flag: 'cgroup-driver', kind: 'string', default: 'cgroupfs', check: (value) => (value === 'cgroupfs' || value === 'systemd' ? undefined : 'must be cgroupfs or systemd') },
  { key: 'singleProcessOOMKill', kind: 'boolean', default: undefined },
  { key: 'memorySwapBehavior', kind: 'string', default: '', check: (value) => (['', 'NoSwap', 'LimitedSwap'].includes(String(value)) ? undefined : 'must be NoSwap or LimitedSwap') },
  { key: 'enforceNodeAllocatable', flag: 'enforce-node-allocatable', kind: 'list', default: ['pods'] },
] as const satisfies readonly Setting[];

/** Settings of parts that Skiff has not (resource managers that pin containers), with the one value that says so; others are refused. */
export const FIXED: ReadonlyMap<string, string> = new Map([
  ['cpu-manager-policy', 'none'], ['cpuManagerPolicy', 'none'], ['memory-manager-policy', 'None'], ['memoryManagerPolicy', 'None'], ['topology-manager-policy', 'none'], ['topologyManagerPolicy', 'none'],
]);

/** Flags of upstream's that are taken and change nothing, as what they say has no part here or is always so. */
export const INERT: ReadonlySet<string> = new Set([
  'v', 'logtostderr', 'logging-format', 'fail-swap-on', 'failSwapOn', 'fail-cgroupv1', 'feature-gates', 'registry-qps', 'registry-burst', 'event-qps', 'event-burst',
  'kube-api-qps', 'kube-api-burst', 'sync-frequency', 'file-check-frequency', 'max-open-files', 'protect-kernel-defaults', 'make-iptables-util-chains', 'hairpin-mode', 'runtime-request-timeout', 'cgroups-per-qos',
  'volume-stats-agg-period', 'streaming-connection-idle-timeout', 'node-status-update-frequency', 'read-only-port', 'healthz-port', 'rotate-certificates', 'rotate-server-certificates', 'oom-score-adj',
]);
