// Which fields a kind selects by: an unknown one is refused before any object is looked at. Kinds with fields of their own have their own list and words,
// and then not always the namespace (upstream: AddFieldLabelConversionFunc of each version).
import { StatusError } from '../base/errors.ts';
import { apiVersionOf, type KubeObject } from '../api/meta.ts';
import type { Kind } from '../kinds/kind.ts';

const NAME = 'metadata.name';
const NAMESPACE = 'metadata.namespace';
const ABOUT = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

/** By group and kind. */
const LABELS: Readonly<Record<string, readonly string[]>> = {
  '/Event': [NAME, NAMESPACE, ...ABOUT.map((field) => `involvedObject.${field}`), 'reason', 'reportingComponent', 'source', 'type'],
  '/Namespace': [NAME, 'status.phase'],
  '/Node': [NAME, 'spec.unschedulable'],
  '/Pod': [NAME, NAMESPACE, 'spec.nodeName', 'spec.host', 'spec.restartPolicy', 'spec.schedulerName', 'spec.serviceAccountName', 'spec.hostNetwork', 'status.phase', 'status.podIP', 'status.podIPs', 'status.nominatedNodeName'],
  '/ReplicationController': [NAME, NAMESPACE, 'status.replicas'],
  '/Secret': [NAME, NAMESPACE, 'type'],
  '/Service': [NAME, NAMESPACE, 'spec.clusterIP', 'spec.type'],
  'batch/Job': [NAME, NAMESPACE, 'status.successful'],
  'certificates.k8s.io/CertificateSigningRequest': [NAME, 'spec.signerName'],
  'events.k8s.io/Event': [NAME, NAMESPACE, ...ABOUT.map((field) => `regarding.${field}`), 'reason', 'reportingController', 'type'],
  'resource.k8s.io/ResourceSlice': [NAME, 'spec.nodeName', 'spec.driver'],
};

const WORDS: Readonly<Record<string, (field: string, kind: Kind) => string>> = {
  'batch/Job': (field) => `field label ${JSON.stringify(field)} not supported for Job`,
  'resource.k8s.io/ResourceSlice': (field, { group, version, kind }) => `field label not supported for ${apiVersionOf(group, version)}, Kind=${kind}: ${field}`,
};

/** StatusError BadRequest. */
export function checkFieldLabels(kind: Kind, wanted: readonly string[]): void {
  const key = `${kind.group}/${kind.kind}`;
  const own = kind.custom === undefined ? LABELS[key] : [NAME, ...(kind.namespaced ? [NAMESPACE] : []), ...Object.keys(kind.rules.selectableFields?.({ metadata: {} } as KubeObject) ?? {})];
  const unknown = wanted.find((field) => !(own ?? [NAME, NAMESPACE]).includes(field));
  if (unknown === undefined) return;
  if (own === undefined) throw new StatusError('BadRequest', `${JSON.stringify(unknown)} is not a known field selector: only "metadata.name", "metadata.namespace"`);
  throw new StatusError('BadRequest', WORDS[key]?.(unknown, kind) ?? `field label not supported: ${unknown}`);
}
