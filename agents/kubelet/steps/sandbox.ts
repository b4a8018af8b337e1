// Step: the sandbox, which is the namespaces and addresses that the pod's containers share.
import { messageOf } from '../../../internal/base/errors.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { RUNTIMECLASSES } from '../../../internal/kinds/generated/resources.ts';
import type { PortMapping, SandboxConfig, SandboxStatus } from '../../runtime/runtime.ts';
import { LABEL } from '../labels.ts';
import { podLogDirectory, type NodeContext } from '../node-context.ts';
import { dnsOf, hostnameOf } from '../pod-names.ts';
import type { Step } from './step.ts';

export const SANDBOX: Step = {
  name: 'sandbox',
  async apply(ground, node) {
    const standing = sandboxesOf(node, ground.pod.metadata.uid)[0];
    if (standing?.state === 'ready') {
      ground.sandbox = standing;
      return;
    }
    ground.sandbox = await node.runtime.runSandbox({ ...sandboxConfig(ground.pod, ground.attempt, node), ...(await runtimeHandler(ground.pod, node)) });
  },
  async undo({ pod }, node) {
    for (const { id } of sandboxesOf(node, pod.metadata.uid)) await node.runtime.stopSandbox(id);
  },
};

/** Newest first. */
export function sandboxesOf({ runtime }: Pick<NodeContext, 'runtime'>, uid: string): SandboxStatus[] {
  return runtime.listSandboxes().filter(({ config }) => config.uid === uid).sort((a, b) => b.config.attempt - a.config.attempt || b.createdAt - a.createdAt);
}

export async function removeSandboxes(pod: Pod, node: NodeContext): Promise<void> {
  for (const { id } of sandboxesOf(node, pod.metadata.uid)) {
    await node.runtime.stopSandbox(id);
    await node.runtime.removeSandbox(id);
  }
}

function sandboxConfig(pod: Pod, attempt: number, node: NodeContext): SandboxConfig {
  const { metadata, spec } = pod;
  return {
    namespace: metadata.namespace ?? '', name: metadata.name, uid: metadata.uid, attempt,
    hostname: hostnameOf(pod, node.dns.clusterDomain),
    labels: { ...metadata.labels, [LABEL.podName]: metadata.name, [LABEL.podNamespace]: metadata.namespace ?? '', [LABEL.podUid]: metadata.uid },
    annotations: { ...metadata.annotations },
    cgroupParent: node.cgroups.pathOf(pod),
    hostNetwork: spec.hostNetwork === true, hostPid: spec.hostPID === true, hostIpc: spec.hostIPC === true, shareProcessNamespace: spec.shareProcessNamespace === true,
    sysctls: Object.fromEntries((spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name.replaceAll('/', '.'), value])),
    privileged: [...(spec.initContainers ?? []), ...spec.containers].some(({ securityContext }) => securityContext?.privileged === true),
    portMappings: portMappings(pod), logDirectory: podLogDirectory(node, pod), dns: dnsOf(pod, node.dns),
  };
}

/** What the pod's RuntimeClass names: never another one in its stead, as it may be there to contain the pod. */
async function runtimeHandler({ spec }: Pod, { client }: NodeContext): Promise<Pick<SandboxConfig, 'runtimeHandler'>> {
  const { runtimeClassName: name = '' } = spec;
  if (name === '') return {};
  const { handler } = await client.get(RUNTIMECLASSES, { namespace: '', name }).catch((error: unknown) => {
    throw new Error(`RuntimeClass ${JSON.stringify(name)} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  return { runtimeHandler: handler };
}

function portMappings(pod: Pod): PortMapping[] {
  const containers = [...(pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'), ...pod.spec.containers];
  return containers.flatMap(({ ports = [] }) => ports)
    .filter(({ hostPort = 0 }) => hostPort > 0)
    .map(({ protocol = 'TCP', containerPort, hostPort = 0, hostIP = '' }) => ({ protocol, containerPort, hostPort, hostIp: hostIP }));
}
