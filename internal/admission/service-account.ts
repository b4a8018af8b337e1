// ServiceAccount: every pod runs as an account of its namespace (default where it says none), which must exist, and gets the account's
// token, the cluster's CA and its namespace mounted unless either says no. What is mounted is as upstream's, names included.
import { nameSuffix, type Random } from '../base/random.ts';
import type { KubeObject } from '../api/meta.ts';
import { forbidden } from '../authz/forbidden.ts';
import { secretNames } from '../authz/node-pods.ts';
import type { Pod, ServiceAccount } from '../kinds/generated/api-types.ts';
import type { Store } from '../store/store.ts';
import { shownName, writes, type AdmissionPlugin, type AdmissionRequest } from './admission.ts';
import { isTrue, unnamedSecret } from './mountable-secrets.ts';

const PODS = { group: '', resource: 'pods' };
const ACCOUNTS = { group: '', resource: 'serviceaccounts' };
const MIRROR = 'kubernetes.io/config.mirror';
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const MOUNTABLE = 'kubernetes.io/enforce-mountable-secrets';
const TOKEN_SECONDS = 3607;

type Draft = KubeObject & { spec: Mutable };
interface Mutable {
  serviceAccountName?: string;
  serviceAccount?: string;
  automountServiceAccountToken?: boolean;
  imagePullSecrets?: { name?: string }[];
  volumes?: { name: string; projected?: unknown }[];
  containers?: Container[];
  initContainers?: Container[];
}
interface Container {
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
}

export function serviceAccount(store: Store, random: Random): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    validate(request) {
      const { kind, subresource, operation } = request;
      if (kind.group !== '' || kind.resource !== 'pods') return;
      if (operation === 'CREATE' ? subresource === '' : operation === 'UPDATE' && subresource === 'ephemeralcontainers') checkMountable(request, store);
    },
    mutate(request) {
      if (!writes(request, '', 'pods') || request.operation !== 'CREATE') return;
      const pod = request.object as Draft;
      if (pod.metadata.annotations?.[MIRROR] !== undefined) return refuseMirror(pod);
      const { spec } = pod;
      spec.serviceAccountName ||= 'default';
      spec.serviceAccount = spec.serviceAccountName;
      const account = accountOf(request, store);
      if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(spec, random);
      if ((spec.imagePullSecrets?.length ?? 0) === 0 && account.imagePullSecrets !== undefined) spec.imagePullSecrets = account.imagePullSecrets.map(({ name }) => ({ ...(name !== undefined && { name }) }));
    },
  };
}

function accountOf({ object, namespace }: AdmissionRequest, store: Store): ServiceAccount {
  const { metadata, spec: { serviceAccountName: name = '' } } = object as Draft;
  const account = store.newest(ACCOUNTS, { namespace, name }) as ServiceAccount | undefined;
  if (account === undefined) throw forbidden(PODS, shownName(metadata), `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`);
  return account;
}

/** Of an account that limits its pods to the secrets that it names. */
function checkMountable(request: AdmissionRequest, store: Store): void {
  const pod = request.object as Pod;
  if (pod.metadata.annotations?.[MIRROR] !== undefined) return;
  const account = accountOf(request, store);
  if (!isTrue(account.metadata.annotations?.[MOUNTABLE])) return;
  const problem = unnamedSecret(pod.spec, account, request.subresource);
  if (problem !== undefined) throw forbidden(PODS, pod.metadata.name, problem);
}

function refuseMirror(pod: Draft): void {
  const name = shownName(pod.metadata);
  if (pod.spec.serviceAccountName) throw forbidden(PODS, name, 'a mirror pod may not reference service accounts');
  if (secretNames(pod).length > 0) throw forbidden(PODS, name, 'a mirror pod may not reference secrets');
  const sources = ((pod as unknown as Pod).spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []);
  if (sources.some(({ serviceAccountToken }) => serviceAccountToken !== undefined)) throw forbidden(PODS, name, 'a mirror pod may not use ServiceAccountToken volume projections');
}

function mountToken(spec: Mutable, random: Random): void {
  const existing = spec.volumes?.find(({ name = '' }: { name?: string }) => name.startsWith('kube-api-access-'))?.name;
  const name = existing ?? `kube-api-access-${nameSuffix(random)}`;
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  let used = false;
  for (const container of containers) {
    if (container.volumeMounts?.some(({ mountPath }) => mountPath === MOUNT_PATH) === true) continue;
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: MOUNT_PATH }];
    used = true;
  }
  if (used && existing === undefined) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

function tokenVolume(name: string): { name: string; projected: unknown } {
  const sources = [
    { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
  ];
  return { name, projected: { defaultMode: 0o644, sources } };
}
