// `authorizer` and `authorizer.requestResource` of CEL expressions: what the request's user, or a service account, may do.
import type { Variables } from '../cel/index.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { AdmissionRequest } from './admission.ts';

export function authorizerVariables(_authorizer: Authorizer, _request: AdmissionRequest): Variables {
  return {};
}
