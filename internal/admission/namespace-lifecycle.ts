// NamespaceLifecycle: nothing is created in a namespace that is missing or ending, and the namespaces the cluster lives by are not deleted.
import { notFound, StatusError } from '../base/errors.ts';
import type { KubeObject } from '../api/meta.ts';
import { forbidden } from '../authz/forbidden.ts';
import type { Store } from '../store/store.ts';
import { shownName, type AdmissionPlugin, type AdmissionRequest } from './admission.ts';

const IMMORTAL: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);
const NAMESPACES = { group: '', resource: 'namespaces' };
/** Answers about who may do what are given whatever becomes of the namespace. */
const ACCESS_REVIEW = { group: 'authorization.k8s.io', resource: 'localsubjectaccessreviews' };

export function namespaceLifecycle(store: Store): AdmissionPlugin {
  const check = (request: AdmissionRequest): void => {
    const { operation, kind, name } = request;
    if (kind.group === '' && kind.resource === 'namespaces') {
      if (operation === 'DELETE' && IMMORTAL.has(name)) throw forbidden(NAMESPACES, name, 'this namespace may not be deleted');
      return;
    }
    if (!kind.namespaced || operation === 'DELETE') return;
    if (kind.group === ACCESS_REVIEW.group && kind.resource === ACCESS_REVIEW.resource) return;
    inNamespace(request, store.newest(NAMESPACES, { namespace: '', name: request.namespace }));
  };
  return { name: 'NamespaceLifecycle', mutate: check, validate: (request) => (request.operation === 'DELETE' ? check(request) : undefined) };
}

function inNamespace({ operation, kind, name, namespace, object }: AdmissionRequest, found: KubeObject | undefined): void {
  if (found === undefined) throw notFound(NAMESPACES, namespace);
  if (operation !== 'CREATE' || (found as KubeObject & { status?: { phase?: string } }).status?.phase !== 'Terminating') return;
  const named = name || shownName(object?.metadata ?? {});
  const refused = forbidden(kind, named, `unable to create new content in namespace ${namespace} because it is being terminated`);
  const causes = [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }];
  throw new StatusError('Forbidden', refused.message, { details: { ...refused.details, causes } });
}
