// Which labels a kubelet may give its own node: among Kubernetes' own (kubernetes.io, k8s.io) those that say what the machine is, and those
// whose prefix ends in its own or the node's. node-restriction.kubernetes.io is the administrator's alone.

const KUBELET_LABELS: ReadonlySet<string> = new Set([
  'beta.kubernetes.io/arch', 'beta.kubernetes.io/instance-type', 'beta.kubernetes.io/os',
  'failure-domain.beta.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/zone',
  'kubernetes.io/arch', 'kubernetes.io/hostname', 'kubernetes.io/os',
  'node.kubernetes.io/instance-type', 'topology.kubernetes.io/region', 'topology.kubernetes.io/zone',
]);

export function mayKubeletSet(key: string): boolean {
  const slash = key.indexOf('/');
  const prefix = slash < 0 ? '' : key.slice(0, slash);
  if (within(prefix, 'node-restriction.kubernetes.io')) return false;
  if (!within(prefix, 'kubernetes.io') && !within(prefix, 'k8s.io')) return true;
  return KUBELET_LABELS.has(key) || within(prefix, 'kubelet.kubernetes.io') || within(prefix, 'node.kubernetes.io');
}

function within(prefix: string, domain: string): boolean {
  return prefix === domain || prefix.endsWith(`.${domain}`);
}
