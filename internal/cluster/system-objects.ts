// What every cluster holds from its first moment beside its policy and namespaces: the Service that names the cluster's DNS, the ServiceCIDR, the
// certificates by which extension API servers know their callers. Created where missing; only those certificates are put right.
import { isReason } from '../base/errors.ts';
import type { Draft, KubeObject } from '../api/meta.ts';
import { sameWhenWritten } from '../api/json-equality.ts';
import type { Resource } from '../api/request.ts';
import type { Client } from '../client/client.ts';
import type { APIService, ClusterRole, ConfigMap, Service, StorageClass } from '../kinds/generated/api-types.ts';
import { APISERVICES, CLUSTERROLES, CONFIGMAPS, SERVICECIDRS, SERVICES, STORAGECLASSES } from '../kinds/generated/resources.ts';
import { METRICS_GROUP, METRICS_VERSION } from '../kinds/resource-metrics.ts';
import { LOCAL_CLASS, LOCAL_PROVISIONER } from '../kinds/storage/local-storage.ts';

export interface SystemObjectsOptions {
  /** Absent: the cluster's DNS is disabled. */
  dnsAddress?: string;
  clientCa: string;
  requestHeaderCa: string;
  serviceCidrs: readonly string[];
  /** Whether volumes are made as folders of nodes. */
  localStorage: boolean;
  /** Whether metrics.k8s.io is served here. */
  metrics: boolean;
}

const METRICS_API = `${METRICS_VERSION}.${METRICS_GROUP}`;
const OURS = { 'app.kubernetes.io/managed-by': 'skiff' };

/** kube-proxy's own word for "not mine" (the well-known label): the address is served on each node itself. */
const SERVED_BY_NODE = { 'service.kubernetes.io/service-proxy-name': 'skiff-dns' };

export async function ensureSystemObjects(client: Client, options: SystemObjectsOptions): Promise<void> {
  await Promise.all([
    ensure<ConfigMap>(client, CONFIGMAPS, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
      data: {
        'client-ca-file': options.clientCa,
        'requestheader-allowed-names': '["front-proxy-client"]',
        'requestheader-client-ca-file': options.requestHeaderCa,
        'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
        'requestheader-group-headers': '["X-Remote-Group"]',
        'requestheader-uid-headers': '["X-Remote-Uid"]',
        'requestheader-username-headers': '["X-Remote-User"]',
      },
    }, (found, draft) => (sameWhenWritten(found.data, { ...found.data, ...draft.data }) ? undefined : { ...found, data: { ...found.data, ...draft.data } })),
    ensure(client, SERVICECIDRS, { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'kubernetes' }, spec: { cidrs: [...options.serviceCidrs] } }),
    options.localStorage ? ensure(client, STORAGECLASSES, localClass()) : withdraw(client, STORAGECLASSES as unknown as Resource, LOCAL_CLASS),
    options.metrics ? ensure(client, APISERVICES, metricsApi()) : withdraw(client, APISERVICES as unknown as Resource, METRICS_API),
    options.metrics ? ensure(client, CLUSTERROLES, metricsReader()) : undefined,
    options.dnsAddress === undefined ? undefined : ensure(client, SERVICES, dnsService(options.dnsAddress)),
  ]);
}

function dnsService(clusterIP: string): Draft<Service> {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kube-dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS', ...SERVED_BY_NODE } },
    spec: {
      clusterIP,
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53, protocol: 'TCP' },
      ],
    },
  };
}

/** Claims that name no class get it. */
function localClass(): Draft<StorageClass> {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: LOCAL_CLASS, labels: OURS, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: LOCAL_PROVISIONER,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
  };
}

/** So that who looks for the API by its APIService finds it; a metrics server that is installed later puts its Service here. */
function metricsApi(): Draft<APIService> {
  const spec = { group: METRICS_GROUP, version: METRICS_VERSION, groupPriorityMinimum: 100, versionPriority: 100 };
  return { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: METRICS_API, labels: OURS }, spec };
}

/** Who may view may see what is used; the name is the one that metrics servers come with. */
function metricsReader(): Draft<ClusterRole> {
  const aggregate = Object.fromEntries(['admin', 'edit', 'view'].map((role) => [`rbac.authorization.k8s.io/aggregate-to-${role}`, 'true']));
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'system:aggregated-metrics-reader', labels: { ...OURS, ...aggregate } },
    rules: [{ apiGroups: [METRICS_GROUP], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] }],
  };
}

/** What a part left that is disabled now; not what others made under the same name. */
async function withdraw(client: Client, resource: Resource, name: string): Promise<void> {
  try {
    const { metadata } = await client.get(resource, { namespace: '', name });
    const isOurs = Object.entries(OURS).every(([label, value]) => metadata.labels?.[label] === value);
    if (isOurs) await client.delete(resource, { namespace: '', name }, { preconditions: { uid: metadata.uid } });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}

// Looked up first: an existing object must cost no write, and no admission, at each start.
async function ensure<T extends KubeObject>(client: Client, resource: Resource<T>, draft: Draft<T>, mend: (found: T, draft: Draft<T>) => T | undefined = () => undefined): Promise<void> {
  const { namespace = '', name = '' } = draft.metadata as Partial<KubeObject['metadata']>;
  try {
    const mended = mend(await client.get(resource, { namespace, name }), draft);
    if (mended !== undefined) await client.update(resource, mended);
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    await client.create(resource, draft);
  }
}
