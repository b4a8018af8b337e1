// `authorizer` and `authorizer.requestResource` of CEL expressions: what the request's user, or a service account, may do.
import { authorizerValue, resourceCheckValue, type AuthorizerPort, type Variables } from '../cel/index.ts';
import { serviceAccountUser, type UserInfo } from '../api/user.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { AdmissionRequest } from './admission.ts';

export function authorizerVariables(authorizer: Authorizer, { user, kind, namespace, name, subresource }: AdmissionRequest): Variables {
  const port = portOf(authorizer, user);
  return {
    authorizer: () => authorizerValue(port),
    'authorizer.requestResource': () => resourceCheckValue(port, { group: kind.group, resource: kind.resource, subresource, namespace, name }),
  };
}

function portOf(authorizer: Authorizer, user: UserInfo): AuthorizerPort {
  return {
    authorize({ serviceAccount, labelSelector: _labels, ...query }) {
      const asked = serviceAccount === undefined ? user : serviceAccountUser(serviceAccount.namespace, serviceAccount.name);
      return authorizer.authorize({ user: asked, ...query });
    },
  };
}
