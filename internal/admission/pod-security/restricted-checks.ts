// The checks of the restricted level beyond baseline: today's practice of hardening pods (upstream: pod-security-admission/policy, whose words these are).
import type { Volume } from '../../kinds/generated/api-types.ts';
import { procMount, seccompProfile } from './baseline-checks.ts';
import { containersOf, hasOwnUsers, isWindows, named, plural, quoted, setters, sortedSet, type Check, type Finding, type Subject } from './check.ts';

const VOLUMES: readonly string[] = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret'];
const RESTRICTED_VOLUMES: readonly string[] = [
  'hostPath', 'gcePersistentDisk', 'awsElasticBlockStore', 'gitRepo', 'nfs', 'iscsi', 'glusterfs', 'rbd', 'flexVolume', 'cinder', 'cephfs', 'flocker', 'fc', 'azureFile', 'vsphereVolume', 'quobyte', 'azureDisk',
  'photonPersistentDisk', 'portworxVolume', 'scaleIO', 'storageos',
];

type Find = Check['find'];
const unlessWindows = (find: Find): Find => (subject) => (isWindows(subject.spec) ? undefined : find(subject));
const unlessOwnUsers = (find: Find): Find => (subject) => (hasOwnUsers(subject.spec) ? undefined : find(subject));

/** In upstream's order, by id. */
export const RESTRICTED_CHECKS: readonly Check[] = [
  { id: 'allowPrivilegeEscalation', level: 'restricted', since: 8, until: 25, find: escalation },
  { id: 'allowPrivilegeEscalation', level: 'restricted', since: 25, find: unlessWindows(escalation) },
  { id: 'capabilities_restricted', level: 'restricted', since: 22, until: 25, overrides: 'capabilities_baseline', find: capabilities },
  { id: 'capabilities_restricted', level: 'restricted', since: 25, overrides: 'capabilities_baseline', find: unlessWindows(capabilities) },
  { id: 'procMount_restricted', level: 'restricted', since: 35, overrides: 'procMount', find: procMount },
  { id: 'restrictedVolumes', level: 'restricted', since: 0, overrides: 'hostPathVolumes', find: volumes },
  { id: 'runAsNonRoot', level: 'restricted', since: 0, until: 35, find: nonRoot },
  { id: 'runAsNonRoot', level: 'restricted', since: 35, find: unlessOwnUsers(nonRoot) },
  { id: 'runAsUser', level: 'restricted', since: 23, until: 35, find: rootUser },
  { id: 'runAsUser', level: 'restricted', since: 35, find: unlessOwnUsers(rootUser) },
  { id: 'seccompProfile_restricted', level: 'restricted', since: 19, until: 25, overrides: 'seccompProfile_baseline', find: seccomp },
  { id: 'seccompProfile_restricted', level: 'restricted', since: 25, overrides: 'seccompProfile_baseline', find: unlessWindows(seccomp) },
];

function escalation({ spec }: Subject): Finding | undefined {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false).map(({ name }) => name);
  return bad.length === 0 ? undefined : { reason: 'allowPrivilegeEscalation != false', detail: `${named(bad)} must set securityContext.allowPrivilegeEscalation=false` };
}

function capabilities({ spec }: Subject): Finding | undefined {
  const containers = containersOf(spec).map(({ name, securityContext }) => ({ name, drop: securityContext?.capabilities?.drop ?? [], bad: (securityContext?.capabilities?.add ?? []).filter((capability) => capability !== 'NET_BIND_SERVICE') }));
  const keeping = containers.filter(({ drop }) => !drop.includes('ALL')).map(({ name }) => name);
  const adding = containers.filter(({ bad }) => bad.length > 0);
  const details = [
    ...(keeping.length > 0 ? [`${named(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0 ? [`${named(adding.map(({ name }) => name))} must not include ${quoted(sortedSet(adding.flatMap(({ bad }) => bad)))} in securityContext.capabilities.add`] : []),
  ];
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') };
}

function volumes({ spec }: Subject): Finding | undefined {
  const bad = (spec.volumes ?? []).filter((volume) => !VOLUMES.some((source) => volume[source as keyof Volume] !== undefined));
  if (bad.length === 0) return undefined;
  const types = sortedSet(bad.map((volume) => RESTRICTED_VOLUMES.find((source) => volume[source as keyof Volume] !== undefined) ?? 'unknown'));
  return { reason: 'restricted volume types', detail: `${named(bad.map(({ name }) => name), 'volume')} ${bad.length === 1 ? 'uses' : 'use'} ${plural('restricted volume type', types.length)} ${quoted(types)}` };
}

function nonRoot({ spec }: Subject): Finding | undefined {
  const ofPod = spec.securityContext?.runAsNonRoot;
  const containers = containersOf(spec).map(({ name, securityContext }) => ({ name, own: securityContext?.runAsNonRoot }));
  const wrong = containers.filter(({ own }) => own === false).map(({ name }) => name);
  if (ofPod === false || wrong.length > 0) return { reason: 'runAsNonRoot != true', detail: `${setters(ofPod === false, wrong)} must not set securityContext.runAsNonRoot=false` };
  const silent = ofPod === true ? [] : containers.filter(({ own }) => own === undefined).map(({ name }) => name);
  return silent.length === 0 ? undefined : { reason: 'runAsNonRoot != true', detail: `pod or ${named(silent)} must set securityContext.runAsNonRoot=true` };
}

function rootUser({ spec }: Subject): Finding | undefined {
  const ofPod = spec.securityContext?.runAsUser === 0;
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.runAsUser === 0).map(({ name }) => name);
  return ofPod || bad.length > 0 ? { reason: 'runAsUser=0', detail: `${setters(ofPod, bad)} must not set runAsUser=0` } : undefined;
}

function seccomp(subject: Subject): Finding | undefined {
  const wrong = seccompProfile(subject);
  if (wrong !== undefined || subject.spec.securityContext?.seccompProfile !== undefined) return wrong;
  const silent = containersOf(subject.spec).filter(({ securityContext }) => securityContext?.seccompProfile === undefined).map(({ name }) => name);
  return silent.length === 0 ? undefined : { reason: 'seccompProfile', detail: `pod or ${named(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"` };
}
