// The one list of admission plugins, in upstream's order (kubeapiserver/options/plugins.go).
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Callout } from '../api/callout.ts';
import type { Schemas } from '../api/schema.ts';
import type { Kinds } from '../kinds/index.ts';
import type { Store } from '../store/store.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { admissionOf, type Admission } from './admission.ts';
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts';
import { claimResize } from './claim-resize.ts';
import { defaultClass } from './default-class.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { podSecurity } from './pod-security/index.ts';
import { podResize } from './pod-resize.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { priority } from './priority.ts';
import { resourceQuota } from './resource-quota.ts';
import { roleEscalation } from './role-escalation.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import { storageProtection } from './storage-protection.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';
import { mutatingPolicies } from './policy/mutating.ts';
import { policyParams } from './policy/param-access.ts';
import { validatingPolicies } from './policy/validating.ts';
import { mutatingWebhooks } from './webhook/mutating.ts';
import { validatingWebhooks } from './webhook/validating.ts';

export interface AdmissionOptions {
  store: Store;
  kinds: Kinds;
  schemas: Schemas;
  authorizer: Authorizer;
  clock: Clock;
  random: Random;
  /** Absent: no webhooks are asked. */
  callout?: Callout;
}

export function createAdmission({ store, kinds, schemas, authorizer, clock, random, callout }: AdmissionOptions): Admission {
  const webhooks = callout === undefined ? undefined : { store, kinds, schemas, authorizer, random, callout };
  return admissionOf([
    namespaceLifecycle(store),
    limitRanger(store),
    serviceAccount(store, random),
    nodeRestriction(store, authorizer),
    taintNodesByCondition(),
    podSecurity(store),
    priority(store),
    defaultTolerationSeconds(),
    defaultClass(store, { name: 'DefaultStorageClass', of: { group: '', resource: 'persistentvolumeclaims' }, field: 'storageClassName', classes: { group: 'storage.k8s.io', resource: 'storageclasses' }, annotation: 'storageclass.kubernetes.io/is-default-class' }),
    storageProtection(),
    claimResize(store),
    runtimeClass(store),
    certificateApproval(authorizer),
    certificateSigning(authorizer),
    certificateSubjectRestriction(),
    defaultClass(store, { name: 'DefaultIngressClass', of: { group: 'networking.k8s.io', resource: 'ingresses' }, field: 'ingressClassName', classes: { group: 'networking.k8s.io', resource: 'ingressclasses' }, annotation: 'ingressclass.kubernetes.io/is-default-class' }),
    podResize(store),
    podTopologyLabels(store),
    roleEscalation(authorizer, store),
    mutatingPolicies({ store, kinds, schemas, authorizer }),
    ...(webhooks === undefined ? [] : [mutatingWebhooks(webhooks)]),
    policyParams({ store, kinds, authorizer }),
    validatingPolicies({ store, kinds, authorizer }),
    ...(webhooks === undefined ? [] : [validatingWebhooks(webhooks)]),
    resourceQuota(store, clock),
  ]);
}
