// PodSecurity: pods are held to the level that their namespace's labels name, workloads' templates are warned of, and who raises a namespace's
// level is told which of its pods are below it (upstream: pod-security-admission/admission). Nothing is exempt; without labels all is let in.
import { invalidObject } from '../../api/field-error.ts';
import type { KubeObject } from '../../api/meta.ts';
import { forbidden } from '../../authz/forbidden.ts';
import { StatusError } from '../../base/errors.ts';
import type { Container, CronJob, Deployment, Namespace, Pod, PodTemplate, PodTemplateSpec } from '../../kinds/generated/api-types.ts';
import type { Store } from '../../store/store.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { Subject } from './check.ts';
import { detailsOf, evaluate } from './evaluation.ts';
import { existingPodWarnings } from './existing-pods.ts';
import { formatLevelVersion, PREFIX, readPolicy, sameLevelVersion, strictness } from './policy.ts';

const NAMESPACES = { group: '', resource: 'namespaces' };
/** Of pods, subresources that cannot change what they are. */
const IGNORED: ReadonlySet<string> = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status']);
const TEMPLATE: (object: KubeObject) => PodTemplateSpec | undefined = (object) => (object as Deployment).spec?.template;
const WORKLOADS: Readonly<Record<string, typeof TEMPLATE>> = {
  '/replicationcontrollers': TEMPLATE,
  '/podtemplates': (object) => (object as PodTemplate).template,
  'apps/replicasets': TEMPLATE,
  'apps/deployments': TEMPLATE,
  'apps/statefulsets': TEMPLATE,
  'apps/daemonsets': TEMPLATE,
  'batch/jobs': TEMPLATE,
  'batch/cronjobs': (object) => (object as CronJob).spec?.jobTemplate?.spec?.template,
};

export function podSecurity(store: Store): AdmissionPlugin {
  return {
    name: 'PodSecurity',
    validate(request) {
      const { operation, kind, subresource } = request;
      if ((operation !== 'CREATE' && operation !== 'UPDATE') || request.object === undefined) return;
      if (kind.group === '' && kind.resource === 'namespaces') return subresource === '' ? checkNamespace(request, store) : undefined;
      if (kind.group === '' && kind.resource === 'pods') return IGNORED.has(subresource) ? undefined : checkPod(request, store);
      const templateOf = WORKLOADS[`${kind.group}/${kind.resource}`];
      const template = templateOf === undefined || subresource !== '' ? undefined : templateOf(request.object);
      if (template?.spec !== undefined) hold(request, store, { annotations: template.metadata?.annotations ?? {}, spec: template.spec });
    },
  };
}

function checkNamespace({ kind, object, old, warn, name }: AdmissionRequest, store: Store): void {
  const [next, before] = [object, old] as (Namespace | undefined)[];
  const { policy: { enforce }, errors } = readPolicy(next?.metadata.labels);
  if (before === undefined) {
    if (errors.length > 0) throw invalidObject(kind, next?.metadata.name ?? '', errors);
    return;
  }
  const { policy: { enforce: was }, errors: were } = readPolicy(before.metadata.labels);
  if (errors.length > 0 && JSON.stringify(errors) !== JSON.stringify(were)) throw invalidObject(kind, name, errors);
  const relaxed = enforce.minor === was.minor && strictness(enforce.level) <= strictness(was.level);
  if (sameLevelVersion(enforce, was) || enforce.level === 'privileged' || relaxed) return;
  for (const warning of existingPodWarnings(store, name, enforce)) warn(warning);
}

function checkPod(request: AdmissionRequest, store: Store): void {
  const [pod, old] = [request.object, request.old] as [Pod, Pod | undefined];
  if (old !== undefined && !changesImages(pod, old)) return;
  hold(request, store, { annotations: pod.metadata.annotations ?? {}, spec: pod.spec }, true);
}

/** Of what a pod may change, only images matter here, and containers that are added. */
function changesImages({ spec }: Pod, { spec: old }: Pod): boolean {
  const changed = (list: readonly Container[] = [], before: readonly Container[] = []): boolean => list.length !== before.length || list.some(({ image }, index) => image !== before[index]?.image);
  if (changed(spec.containers, old.containers) || changed(spec.initContainers, old.initContainers)) return true;
  return (spec.ephemeralContainers ?? []).some(({ name, image }) => old.ephemeralContainers?.find((each) => each.name === name)?.image !== image);
}

function hold(request: AdmissionRequest, store: Store, subject: Subject, refuses = false): void {
  const { namespace, kind, object } = request;
  const found = store.newest(NAMESPACES, { namespace: '', name: namespace });
  if (found === undefined) throw new StatusError('InternalError', `Internal error occurred: failed to lookup namespace ${JSON.stringify(namespace)}`);
  const { enforce, audit, warn } = readPolicy(found.metadata.labels).policy;
  if (refuses) {
    request.annotate?.(`${PREFIX}enforce-policy`, formatLevelVersion(enforce));
    const findings = evaluate(subject, enforce);
    if (findings.length > 0) throw forbidden(kind, request.name || (object?.metadata.name ?? ''), `violates PodSecurity ${JSON.stringify(formatLevelVersion(enforce))}: ${detailsOf(findings)}`);
  }
  const toAudit = evaluate(subject, audit);
  if (toAudit.length > 0) request.annotate?.(`${PREFIX}audit-violations`, `would violate PodSecurity ${JSON.stringify(formatLevelVersion(audit))}: ${detailsOf(toAudit)}`);
  const toWarn = evaluate(subject, warn);
  if (toWarn.length > 0) request.warn(`would violate PodSecurity ${JSON.stringify(formatLevelVersion(warn))}: ${detailsOf(toWarn)}`);
}
