// Step: the sandbox, which is the namespaces and addresses that the pod's containers share.
import { mkdirSync } from 'node:fs';
import { messageOf, notFound } from '../../../internal/base/errors.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { RUNTIMECLASSES } from '../../../internal/kinds/generated/resources.ts';
import type { PortMapping, SandboxConfig, SandboxStatus } from '../../runtime/runtime.ts';
import { LABEL } from '../labels.ts';
import { podLogDirectory, type NodeContext } from '../node-context.ts';
import { dnsOf, hostnameOf } from '../pod-names.ts';
import { hasOwnUsers } from '../pod-spec.ts';
import type { Ground, Step } from './step.ts';

export const SANDBOX: Step = {
  name: 'sandbox',
  async apply(ground, node) {
    mkdirSync(podLogDirectory(node, ground.pod), { recursive: true, mode: 0o755 });
    const standing = sandboxesOf(node, ground.pod.metadata.uid)[0];
    if (standing?.state === 'ready') {
      ground.sandbox = standing;
      return;
    }
    ground.sandbox = await make(ground, node);
  },
  async undo({ pod }, node) {
    for (const { id } of sandboxesOf(node, pod.metadata.uid)) await node.runtime.stopSandbox(id);
    if (hasOwnUsers(pod)) (await import('../user-ranges.ts')).releaseRange(pod.metadata.uid, node);
  },
};

async function make({ pod, attempt }: Ground, node: NodeContext): Promise<SandboxStatus> {
  const { starts } = node;
  starts.started++;
  if (hasOwnUsers(pod)) starts.ownUsersStarted++;
  try {
    const handler = await runtimeHandler(pod, node);
    return await node.runtime.runSandbox({ ...sandboxConfig(pod, attempt, node), ...handler, ...(await userNamespace(pod, handler.runtimeHandler ?? '', node)) });
  } catch (error) {
    starts.failed++;
    if (hasOwnUsers(pod)) starts.ownUsersFailed++;
    throw error;
  }
}

async function userNamespace(pod: Pod, handler: string, { kubeletDir, settings, random, runtime }: NodeContext): Promise<Pick<SandboxConfig, 'userNamespace'>> {
  if (!hasOwnUsers(pod)) return {};
  const known = runtime.handlers().find(({ name }) => name === handler);
  if (known?.userNamespaces !== true) {
    const unknown = known === undefined && runtime.handlers().length > 0 ? `: the handler ${JSON.stringify(handler)} is not known` : '';
    throw new Error(`can't set \`spec.hostUsers: false\`, ${handler === '' ? 'runtime' : `RuntimeClass handler ${JSON.stringify(handler)}`} does not support user namespaces${unknown}`);
  }
  const { rangeOf } = await import('../user-ranges.ts');
  return { userNamespace: await rangeOf(pod.metadata.uid, { kubeletDir, random, idsPerPod: settings.idsPerPod, maxPods: settings.maxPods }) };
}

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
async function runtimeHandler({ spec }: Pod, { objects }: NodeContext): Promise<Pick<SandboxConfig, 'runtimeHandler'>> {
  const { runtimeClassName: name = '' } = spec;
  if (name === '') return {};
  const found = await objects.get(RUNTIMECLASSES, '', name).catch((error: unknown) => {
    throw new Error(`failed to lookup RuntimeClass ${name}: ${messageOf(error)}`, { cause: error });
  });
  if (found === undefined) throw notFound({ group: 'node.k8s.io', resource: 'runtimeclass' }, name);
  return { runtimeHandler: found.handler };
}

function portMappings(pod: Pod): PortMapping[] {
  const containers = [...(pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'), ...pod.spec.containers];
  return containers.flatMap(({ ports = [] }) => ports)
    .filter(({ hostPort = 0 }) => hostPort > 0)
    .map(({ protocol = 'TCP', containerPort, hostPort = 0, hostIP = '' }) => ({ protocol, containerPort, hostPort, hostIp: hostIP }));
}
