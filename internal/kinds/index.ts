// The one list of kinds with rules of their own, and the lookup of every resource the server serves by default. Facts (names, verbs,
// subresources, columns) come from the generated table; a kind that is not listed below is served by the table alone.
// Adding rules to a kind: one file in the folder of its API group, one line here.
import type { Schemas } from '../api/schema.ts';
import type { Unstructured } from '../api/meta.ts';
import type { Kind, KindRules } from './kind.ts';
import { KINDS_JSON, type KindFacts } from './generated/kinds.ts';
import { apiService } from './custom/apiservice.ts';
import { certificateSigningRequest } from './certificates/certificatesigningrequest.ts';
import { clusterRole } from './rbac/clusterrole.ts';
import { clusterRoleBinding } from './rbac/clusterrolebinding.ts';
import { configMap } from './core/configmap.ts';
import { controllerRevision } from './apps/controllerrevision.ts';
import { cronJob } from './batch/cronjob.ts';
import { csiDriver } from './storage/csidriver.ts';
import { csiNode } from './storage/csinode.ts';
import { csiStorageCapacity } from './storage/csistoragecapacity.ts';
import { daemonSet } from './apps/daemonset.ts';
import { deployment } from './apps/deployment.ts';
import { deviceClass } from './resource/deviceclass.ts';
import { componentStatus, componentStatuses } from './core/componentstatus.ts';
import { endpoints } from './core/endpoints.ts';
import { endpointSlice } from './discovery/endpointslice.ts';
import { event } from './core/event.ts';
import { eventsEvent } from './events/event.ts';
import { flowSchema, priorityLevelConfiguration } from './flowcontrol/flowcontrol.ts';
import { horizontalPodAutoscaler } from './autoscaling/horizontalpodautoscaler.ts';
import { horizontalPodAutoscalerV1 } from './autoscaling/horizontalpodautoscaler-v1.ts';
import { ingress } from './networking/ingress.ts';
import { ingressClass } from './networking/ingressclass.ts';
import { ipAddress } from './networking/ipaddress.ts';
import { job } from './batch/job.ts';
import { lease } from './coordination/lease.ts';
import { limitRange } from './core/limitrange.ts';
import { mutatingAdmissionPolicy, mutatingAdmissionPolicyBinding } from './admission/mutatingadmissionpolicy.ts';
import { namespace } from './core/namespace.ts';
import { networkPolicy } from './networking/networkpolicy.ts';
import { node } from './core/node.ts';
import { persistentVolume } from './core/persistentvolume.ts';
import { persistentVolumeClaim } from './core/persistentvolumeclaim.ts';
import { pod } from './core/pod.ts';
import { podDisruptionBudget } from './policy/poddisruptionbudget.ts';
import { podTemplate } from './core/podtemplate.ts';
import { priorityClass } from './scheduling/priorityclass.ts';
import { replicaSet } from './apps/replicaset.ts';
import { replicationController } from './core/replicationcontroller.ts';
import { resourceClaim } from './resource/resourceclaim.ts';
import { resourceClaimTemplate } from './resource/resourceclaimtemplate.ts';
import { resourceQuota } from './core/resourcequota.ts';
import { resourceSlice } from './resource/resourceslice.ts';
import { role } from './rbac/role.ts';
import { roleBinding } from './rbac/rolebinding.ts';
import { runtimeClass } from './node/runtimeclass.ts';
import { secret } from './core/secret.ts';
import { service } from './core/service.ts';
import { serviceAccount } from './core/serviceaccount.ts';
import { serviceCidr } from './networking/servicecidr.ts';
import { statefulSet } from './apps/statefulset.ts';
import { storageClass } from './storage/storageclass.ts';
import { validatingAdmissionPolicy, validatingAdmissionPolicyBinding } from './admission/validatingadmissionpolicy.ts';
import { volumeAttachment } from './storage/volumeattachment.ts';
import { volumeAttributesClass } from './storage/volumeattributesclass.ts';
import { mutatingWebhookConfiguration, validatingWebhookConfiguration } from './admission/webhookconfiguration.ts';
import { plainCells } from './cells.ts';
import { compareVersions } from './custom/version-order.ts';
import { customResourceDefinition } from './custom/customresourcedefinition.ts';

/** `group/Kind`, or `group/version/Kind` where versions differ. */
const RULES: Readonly<Record<string, KindRules>> = {
  '/ConfigMap': configMap,
  '/ComponentStatus': componentStatus,
  '/Endpoints': endpoints,
  '/Event': event,
  '/LimitRange': limitRange,
  '/Namespace': namespace,
  '/Node': node,
  '/PersistentVolume': persistentVolume,
  '/PersistentVolumeClaim': persistentVolumeClaim,
  '/Pod': pod,
  '/PodTemplate': podTemplate,
  '/ReplicationController': replicationController,
  '/ResourceQuota': resourceQuota,
  '/Secret': secret,
  '/Service': service,
  '/ServiceAccount': serviceAccount,
  'admissionregistration.k8s.io/MutatingAdmissionPolicy': mutatingAdmissionPolicy,
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding': mutatingAdmissionPolicyBinding,
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': mutatingWebhookConfiguration,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': validatingAdmissionPolicy,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': validatingAdmissionPolicyBinding,
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': validatingWebhookConfiguration,
  'apiextensions.k8s.io/CustomResourceDefinition': customResourceDefinition,
  'apiregistration.k8s.io/APIService': apiService,
  'apps/ControllerRevision': controllerRevision,
  'apps/DaemonSet': daemonSet,
  'apps/Deployment': deployment,
  'apps/ReplicaSet': replicaSet,
  'apps/StatefulSet': statefulSet,
  'autoscaling/v1/HorizontalPodAutoscaler': horizontalPodAutoscalerV1,
  'autoscaling/v2/HorizontalPodAutoscaler': horizontalPodAutoscaler,
  'batch/CronJob': cronJob,
  'batch/Job': job,
  'certificates.k8s.io/CertificateSigningRequest': certificateSigningRequest,
  'coordination.k8s.io/Lease': lease,
  'discovery.k8s.io/EndpointSlice': endpointSlice,
  'events.k8s.io/Event': eventsEvent,
  'flowcontrol.apiserver.k8s.io/FlowSchema': flowSchema,
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration': priorityLevelConfiguration,
  'networking.k8s.io/Ingress': ingress,
  'networking.k8s.io/IngressClass': ingressClass,
  'networking.k8s.io/IPAddress': ipAddress,
  'networking.k8s.io/NetworkPolicy': networkPolicy,
  'networking.k8s.io/ServiceCIDR': serviceCidr,
  'node.k8s.io/RuntimeClass': runtimeClass,
  'policy/PodDisruptionBudget': podDisruptionBudget,
  'rbac.authorization.k8s.io/ClusterRole': clusterRole,
  'rbac.authorization.k8s.io/ClusterRoleBinding': clusterRoleBinding,
  'rbac.authorization.k8s.io/Role': role,
  'rbac.authorization.k8s.io/RoleBinding': roleBinding,
  'resource.k8s.io/DeviceClass': deviceClass,
  'resource.k8s.io/ResourceClaim': resourceClaim,
  'resource.k8s.io/ResourceClaimTemplate': resourceClaimTemplate,
  'resource.k8s.io/ResourceSlice': resourceSlice,
  'scheduling.k8s.io/PriorityClass': priorityClass,
  'storage.k8s.io/CSIDriver': csiDriver,
  'storage.k8s.io/CSINode': csiNode,
  'storage.k8s.io/CSIStorageCapacity': csiStorageCapacity,
  'storage.k8s.io/StorageClass': storageClass,
  'storage.k8s.io/VolumeAttributesClass': volumeAttributesClass,
  'storage.k8s.io/VolumeAttachment': volumeAttachment,
};

/** Kinds of which nothing is stored. */
const MADE: Readonly<Record<string, NonNullable<Kind['made']>>> = { '/ComponentStatus': componentStatuses };

export interface Kinds {
  /** In discovery's order. */
  all(): readonly Kind[];
  byResource(group: string, version: string, resource: string): Kind | undefined;
  byKind(group: string, version: string, kind: string): Kind | undefined;
  /** At the version that discovery names first for the group. */
  preferred(group: string, resource: string): Kind | undefined;
  /** What this source serves from now on, besides the built-in kinds and other sources' (custom resources); [] takes it away. */
  replace(source: string, kinds: readonly Kind[]): void;
  /** Calls after every `replace`. Returns the end of it. */
  onChange(listener: () => void): () => void;
}

export function loadKinds(schemas: Schemas): Kinds {
  const builtIn = (JSON.parse(KINDS_JSON) as KindFacts[]).map((facts) => kindOf(facts, schemas));
  const sources = new Map<string, readonly Kind[]>();
  const listeners = new Set<() => void>();
  const own = indexOf(builtIn);
  let served = own;
  return {
    all: () => served.all,
    byResource: (group, version, resource) => served.byResource.get(`${group}/${version}/${resource}`),
    byKind: (group, version, kind) => served.byKind.get(`${group}/${version}/${kind}`),
    preferred: (group, resource) => served.preferred.get(`${group}/${resource}`),
    replace(source, kinds) {
      if (kinds.length === 0) sources.delete(source);
      else sources.set(source, kinds);
      // What is built in is never replaced.
      const others = [...sources.values()].flat().filter(({ group, version, resource }) => !own.byResource.has(`${group}/${version}/${resource}`));
      served = indexOf([...builtIn, ...others.sort(inDiscoveryOrder)]);
      for (const listener of listeners) listener();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

interface Served {
  all: readonly Kind[];
  byResource: ReadonlyMap<string, Kind>;
  byKind: ReadonlyMap<string, Kind>;
  preferred: ReadonlyMap<string, Kind>;
}

function indexOf(all: readonly Kind[]): Served {
  const byResource = new Map<string, Kind>();
  const byKind = new Map<string, Kind>();
  const preferred = new Map<string, Kind>();
  for (const kind of all) {
    const { group, version, resource } = kind;
    byResource.set(`${group}/${version}/${resource}`, kind);
    byKind.set(`${group}/${version}/${kind.kind}`, kind);
    if (!preferred.has(`${group}/${resource}`)) preferred.set(`${group}/${resource}`, kind);
  }
  return { all, byResource, byKind, preferred };
}

/** By group, the preferred version first, then by name. */
function inDiscoveryOrder(a: Kind, b: Kind): number {
  return byLetters(a.group, b.group) || compareVersions(a.version, b.version) || byLetters(a.resource, b.resource);
}

function byLetters(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function kindOf(facts: KindFacts, schemas: Schemas): Kind {
  const { group, version, kind } = facts;
  const schema = facts.schema === '' ? (schemas.byKind(group, version, kind)?.id ?? '') : facts.schema;
  const own = RULES[`${group}/${version}/${kind}`] ?? RULES[`${group}/${kind}`] ?? {};
  const hasStatus = facts.subresources.some(({ name }) => name === 'status');
  const made = MADE[`${group}/${kind}`];
  return { ...facts, schema, ...(made !== undefined && { made }), rules: { cells: plainCells(facts.columns), ...(hasStatus && { prepareForCreate: clearStatus }), ...own } };
}

/** What every strategy with a status does at create, unless the kind's own rules say more. */
function clearStatus(draft: object): void {
  (draft as Unstructured).status = {};
}
