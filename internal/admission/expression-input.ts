// What CEL expressions of admission see of a request: its object in the version they asked for, who asks, the namespace, and the authorizer.
import type { Variables } from '../cel/index.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { Kind } from '../kinds/kind.ts';
import type { AdmissionRequest } from './admission.ts';
import { authorizerVariables } from './expression-authorizer.ts';
import { typed } from './forms.ts';
import { objectKindOf } from './matching.ts';
import { requestFields } from './webhook/review.ts';

export interface ExpressionInput {
  request: AdmissionRequest;
  /** The kind by which it matched, and the objects in its form. */
  as: Kind;
  object: KubeObject | undefined;
  old: KubeObject | undefined;
  authorizer: Authorizer;
  /** Absent: not known to the expression. null: there is none. */
  params?: KubeObject | null;
  namespaceObject?: KubeObject | undefined;
}

/** Values are made when an expression first reads them. */
export function variablesOf({ request, as, object, old, authorizer, params, namespaceObject }: ExpressionInput): Variables {
  const gvk = objectKindOf(as, request.subresource);
  const shown = (one: KubeObject | undefined): KubeObject | null => (one === undefined ? null : typed(one, gvk));
  return {
    object: () => shown(object), oldObject: () => shown(old), request: () => requestFields(request, as), params: params ?? null,
    namespaceObject: () => shownNamespace(namespaceObject), ...authorizerVariables(authorizer, request),
  };
}

/** Without what others wrote about it: owners and managers. */
function shownNamespace(namespace: KubeObject | undefined): object | null {
  if (namespace === undefined) return null;
  const { managedFields: _fields, ownerReferences: _owners, selfLink: _link, ...metadata } = namespace.metadata;
  return { ...namespace, metadata };
}
