// The controllers: the one list. Each says by `user` for whom it speaks (upstream's service accounts, so that bootstrap RBAC holds).
import { AUTHENTICATED_GROUP, MASTERS_GROUP, serviceAccountUser, type UserInfo } from '../api/user.ts';
import type { AggregatedServers } from '../api/aggregation.ts';
import type { KubeletCalls } from '../api/kubelet-calls.ts';
import type { ResourceUsage } from '../api/resource-usage.ts';
import type { ServedResources } from '../informer/served-resources.ts';
import type { TypeSources } from '../kinds/admission/type-check.ts';
import type { ControllerLoop } from './action.ts';
import { admissionPolicyTypesLoop } from './admission-policy-types.ts';
import { autoscalerLoop } from './autoscaling/autoscaler.ts';
import { createAutoscalerMetrics } from './autoscaling/metrics.ts';
import { certificateApprovalLoop } from './certificates/approval.ts';
import { certificateCleanupLoop } from './certificates/cleanup.ts';
import { certificateSigningLoop, type Sign } from './certificates/signing.ts';
import { clusterIpLoop } from './cluster-ips.ts';
import { clusterRoleAggregationLoop } from './clusterrole-aggregation.ts';
import { daemonSetLoop } from './daemonsets/daemonset.ts';
import { deploymentLoop } from './deployments/deployment.ts';
import { disruptionLoop } from './disruption.ts';
import { endpointsLoop } from './endpoints/endpoints.ts';
import { endpointSliceLoop } from './endpoints/endpointslice.ts';
import { endpointSliceMirroringLoop } from './endpoints/mirroring.ts';
import { apiServiceAvailabilityLoop } from './extensions/apiservice-availability.ts';
import { apiServiceRegistrationLoop } from './extensions/apiservice-registration.ts';
import { crdCleanupLoop } from './extensions/crd-cleanup.ts';
import { crdConditionsLoop } from './extensions/crd-conditions.ts';
import { flowSchemaLoop } from './flow-schemas.ts';
import { garbageCollectorLoop } from './garbage-collector.ts';
import { cronJobLoop } from './jobs/cronjob.ts';
import { jobLoop } from './jobs/job.ts';
import { jobOrphanLoop } from './jobs/orphans.ts';
import { jobTtlLoop } from './jobs/ttl.ts';
import { kubernetesServiceLoop } from './kubernetes-service.ts';
import { namespaceLoop } from './namespace.ts';
import { nodeIpamLoop } from './node-ipam.ts';
import { nodeLifecycleLoop } from './node-lifecycle.ts';
import { podGarbageLoop } from './pod-garbage.ts';
import { replicaSetLoop } from './replicasets/replicaset.ts';
import { replicationControllerLoop } from './replicasets/replicationcontroller.ts';
import { podResourceClaimsLoop, resourceClaimReleaseLoop } from './resource-claims.ts';
import { resourceQuotaLoop } from './resourcequota.ts';
import { rootCaLoop } from './root-ca.ts';
import { serviceAccountLoop } from './serviceaccount.ts';
import { serviceCidrLoop } from './service-cidrs.ts';
import { statefulSetLoop } from './statefulsets/statefulset.ts';
import { taintEvictionLoop } from './taint-eviction.ts';
import { bootstrapSignerLoop } from './tokens/bootstrap-signer.ts';
import { tokenCleanerLoop } from './tokens/cleaner.ts';
import { serviceAccountTokenLoop, type IssueSecretToken } from './tokens/serviceaccount-token.ts';
import { volumeAttachmentLoop } from './volumes/attachment.ts';
import { volumeBindingLoop } from './volumes/binding.ts';
import { claimBindingLoop } from './volumes/claim-binding.ts';
import { ephemeralVolumeLoop } from './volumes/ephemeral.ts';
import { volumeExpansionLoop } from './volumes/expansion.ts';
import { localProvisioningLoop } from './volumes/local-provisioning.ts';
import { localReclaimingLoop } from './volumes/local-reclaiming.ts';
import { storageProtectionLoops } from './volumes/protection.ts';

export interface ControllerOptions {
  /** PEM that pods get as kube-root-ca.crt. */
  rootCertificates: () => string;
  clusterCidr: string;
  /** Signs certificate requests of the `kubernetes.io` signers. */
  sign: Sign;
  /** Tokens for Secrets of service accounts. */
  issueSecretToken: IssueSecretToken;
  /** Addresses and port at which pods reach the API servers, and the first address of the service range. */
  apiServer: { clusterIp: string; addresses(): readonly string[]; port: number };
  kubelets: KubeletCalls;
  /** Absent: nobody measures. */
  usage?: ResourceUsage;
  /** Parts that are not run, as `--disable` names them. */
  disabled: readonly string[];
  /** Servers of aggregated groups. */
  aggregated: AggregatedServers;
  /** Everything that can be listed and deleted, each stored kind once. */
  resources: ServedResources;
  /** What is known of kinds and their fields, for type checks of policies. */
  types: TypeSources;
}

export function controllers(options: ControllerOptions): ControllerLoop[] {
  return [
    serviceAccountLoop(),
    serviceAccountTokenLoop({ issue: options.issueSecretToken, rootCertificates: options.rootCertificates }),
    rootCaLoop(options.rootCertificates),
    kubernetesServiceLoop(options.apiServer),
    clusterIpLoop(),
    serviceCidrLoop(),
    namespaceLoop(options.resources),
    nodeIpamLoop(options.clusterCidr),
    replicaSetLoop(),
    replicationControllerLoop(),
    deploymentLoop(),
    daemonSetLoop(),
    statefulSetLoop(),
    jobLoop(),
    jobOrphanLoop(),
    jobTtlLoop(),
    cronJobLoop(),
    resourceQuotaLoop(options.resources),
    endpointsLoop(),
    endpointSliceLoop(),
    endpointSliceMirroringLoop(),
    disruptionLoop(),
    clusterRoleAggregationLoop(),
    admissionPolicyTypesLoop(options.types),
    flowSchemaLoop(),
    certificateApprovalLoop(),
    certificateSigningLoop(options.sign),
    certificateCleanupLoop(),
    tokenCleanerLoop(),
    bootstrapSignerLoop(),
    crdConditionsLoop(),
    crdCleanupLoop(options.resources),
    apiServiceRegistrationLoop(),
    apiServiceAvailabilityLoop(options.aggregated) as unknown as ControllerLoop,
    autoscalerLoop({ metrics: createAutoscalerMetrics({ usage: options.usage, aggregated: options.aggregated }), kinds: options.types.kinds }) as unknown as ControllerLoop,
    ephemeralVolumeLoop(),
    podResourceClaimsLoop(),
    resourceClaimReleaseLoop(),
    claimBindingLoop(),
    volumeBindingLoop(),
    volumeAttachmentLoop(),
    volumeExpansionLoop(),
    ...storageProtectionLoops(),
    ...(options.disabled.includes('local-storage') ? [] : ([localProvisioningLoop(options.kubelets), localReclaimingLoop(options.kubelets)] as unknown as ControllerLoop[])),
    garbageCollectorLoop(options.resources),
    podGarbageLoop(),
    nodeLifecycleLoop(),
    taintEvictionLoop(),
  ] as ControllerLoop[];
}

/** The identity behind a loop's user name. */
export function userOf({ user }: ControllerLoop): UserInfo {
  const account = /^system:serviceaccount:([^:]+):(.+)$/.exec(user);
  if (account !== null) return serviceAccountUser(account[1] ?? '', account[2] ?? '');
  return { username: user, groups: [MASTERS_GROUP, AUTHENTICATED_GROUP] };
}
