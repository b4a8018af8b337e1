// A container of a pod as the runtime is told it: command, environment, resources, security. Pure but for the probing of oom_score_adj.
import { idProblems } from '../../../internal/api/names.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { formatImageName, isImageId, parseImageName } from '../../images/image-name.ts';
import type { Image } from '../../images/image-store.ts';
import type { ContainerConfig, Mount, SecurityConfig } from '../../runtime/runtime.ts';
import { containerResources } from '../cgroups/container-resources.ts';
import type { ContainerDevices } from '../devices/container-devices.ts';
import { profileOf } from './apparmor.ts';
import type { Environment } from '../environment/environment.ts';
import { expand } from '../environment/expansion.ts';
import { ANNOTATION, LABEL } from '../labels.ts';
import type { NodeContext } from '../node-context.ts';
import { gracePeriodMs, podInMessages, type PodContainer } from '../pod-spec.ts';

export interface ConfigInput {
  pod: Pod;
  container: PodContainer;
  attempt: number;
  image: Image;
  mounts: Mount[];
  devices: ContainerConfig['devices'];
  messageFile: string;
  environment: Environment;
  /** Of the pod's volumes. */
  volumeGroups?: readonly number[];
  /** What device plugins put into it. */
  given: ContainerDevices | undefined;
  targetId?: string;
}

export function containerConfig(input: ConfigInput, node: NodeContext): ContainerConfig {
  const { pod, container: { spec }, attempt, image, mounts, environment, given } = input;
  const expanded = (list: readonly string[] | undefined): string[] => (list ?? []).map((text) => expand(text, environment.lookup));
  return {
    name: spec.name, attempt, imageId: image.id, imageName: spec.image ?? '', command: expanded(spec.command), args: expanded(spec.args), workingDir: spec.workingDir ?? '',
    env: [...given?.env ?? [], ...environment.variables], mounts: [...(given?.mounts ?? []).map((mount): Mount => ({ ...mount, propagation: 'None' })), ...mounts],
    devices: [...given?.devices ?? [], ...input.devices], ...(given !== undefined && given.cdiDevices.length > 0 && { cdiDevices: given.cdiDevices }), labels: labelsOf(input), annotations: { ...annotationsOf(input), ...given?.annotations },
    logPath: `${spec.name}/${String(attempt)}.log`, stdin: spec.stdin === true, stdinOnce: spec.stdinOnce === true, tty: spec.tty === true,
    resources: containerResources(pod, spec, node), security: securityOf(input, node),
    ...(input.targetId !== undefined && { targetPidContainerId: input.targetId }),
    ...(spec.lifecycle?.stopSignal !== undefined && { stopSignal: spec.lifecycle.stopSignal }),
  };
}

function labelsOf({ pod, container }: ConfigInput): Record<string, string> {
  return { [LABEL.podName]: pod.metadata.name, [LABEL.podNamespace]: pod.metadata.namespace ?? '', [LABEL.podUid]: pod.metadata.uid, [LABEL.containerName]: container.spec.name };
}

/** As engines do: a tag that points to it, the pod's own first; else a digest. */
function shownName({ tags, digests }: Image, asked: string): string {
  const name = isImageId(asked) ? asked : formatImageName(parseImageName(asked));
  return tags.find((tag) => tag === name) ?? tags[0] ?? digests[0] ?? asked;
}

function annotationsOf({ pod, container: { spec, kind }, attempt, image, messageFile }: ConfigInput): Record<string, string> {
  return {
    [ANNOTATION.restartCount]: String(attempt), [ANNOTATION.imageRef]: image.digests[0] ?? image.id, [ANNOTATION.imageShown]: shownName(image, spec.image ?? ''),
    [ANNOTATION.terminationMessagePath]: spec.terminationMessagePath ?? '/dev/termination-log', [ANNOTATION.terminationMessagePolicy]: spec.terminationMessagePolicy ?? 'File',
    [ANNOTATION.terminationMessageFile]: messageFile, [ANNOTATION.gracePeriod]: String(gracePeriodMs(pod) / 1000), [ANNOTATION.resources]: JSON.stringify(spec.resources ?? {}),
    ...(pod.spec.priority !== undefined && { [ANNOTATION.priority]: String(pod.spec.priority) }),
    ...(spec.lifecycle?.preStop !== undefined && { [ANNOTATION.preStop]: JSON.stringify({ hook: spec.lifecycle.preStop, ports: spec.ports ?? [] }) }),
    ...(kind === 'sidecar' && { [ANNOTATION.sidecar]: 'true' }),
  };
}

function securityOf({ pod, container: { spec }, image, volumeGroups = [] }: ConfigInput, node: NodeContext): SecurityConfig {
  const own = spec.securityContext ?? {};
  const ofPod = pod.spec.securityContext ?? {};
  const runAsUser = own.runAsUser ?? ofPod.runAsUser;
  const runAsGroup = own.runAsGroup ?? ofPod.runAsGroup;
  if (own.runAsNonRoot ?? ofPod.runAsNonRoot ?? false) checkNonRoot(pod, spec.name, runAsUser, image.config.user);
  const privileged = own.privileged === true;
  const apparmor = profileOf(pod, spec.name, own.appArmorProfile);
  return {
    privileged, readOnlyRootfs: own.readOnlyRootFilesystem === true, noNewPrivileges: own.allowPrivilegeEscalation === false,
    ...(runAsUser !== undefined && { runAsUser }), ...(runAsGroup !== undefined && { runAsGroup }),
    supplementalGroups: [...(ofPod.fsGroup === undefined ? [] : [ofPod.fsGroup]), ...(ofPod.supplementalGroups ?? []), ...volumeGroups.filter((group) => ofPod.supplementalGroups?.includes(group) !== true)],
    supplementalGroupsPolicy: ofPod.supplementalGroupsPolicy ?? 'Merge',
    addCapabilities: own.capabilities?.add ?? [], dropCapabilities: own.capabilities?.drop ?? [],
    seccomp: seccompOf(own.seccompProfile ?? ofPod.seccompProfile ?? (node.settings.seccompDefault ? { type: 'RuntimeDefault' } : undefined), privileged, node),
    ...(apparmor !== undefined && { apparmor: { type: apparmor.type as 'Unconfined', ...(apparmor.localhostProfile !== undefined && { profile: apparmor.localhostProfile }) } }),
    maskedPaths: !privileged && own.procMount !== 'Unmasked',
  };
}

function seccompOf(profile: { type: string; localhostProfile?: string } | undefined, privileged: boolean, { kubeletDir }: NodeContext): SecurityConfig['seccomp'] {
  if (privileged || profile === undefined) return { type: 'Unconfined' };
  if (profile.type === 'Localhost' && (profile.localhostProfile ?? '') === '') throw new Error('localhostProfile must be set if seccompProfile type is Localhost.');
  if (profile.type === 'Localhost') return { type: 'Localhost', path: `${kubeletDir}/seccomp/${profile.localhostProfile ?? ''}` };
  return { type: profile.type === 'RuntimeDefault' ? 'RuntimeDefault' : 'Unconfined' };
}

function checkNonRoot(pod: Pod, container: string, runAsUser: number | undefined, imageUser: string): void {
  const where = `(pod: "${podInMessages(pod)}", container: ${container})`;
  if (runAsUser !== undefined) {
    if (runAsUser === 0) throw new Error(`container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  const user = imageUser.split(':')[0] ?? '';
  if (user === '' || /^0+$/.test(user)) throw new Error(`container has runAsNonRoot and image will run as root ${where}`);
  if (!/^\d+$/.test(user)) throw new Error(`container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root ${where}`);
  const [problem] = idProblems(Number(user));
  if (problem !== undefined) throw new Error(`container has runAsNonRoot and image has an invalid user id (${user}). (Must be 1-(2147483647)): ${problem} ${where}`);
}
