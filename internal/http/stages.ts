// The life of a request as types: Parsed → Authenticated → Authorized → Admitted. Each stage can only be made from the one before, by the
// one function that checks it (the brands are not exported), so that a skipped stage does not compile.
import type { Admission } from '../admission/admission.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { forbiddenError } from '../authz/forbidden.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Patch, RequestOptions } from '../api/request.ts';
import type { UserInfo } from '../api/user.ts';
import type { Kind } from '../kinds/kind.ts';
import type { WriteContext } from '../registry/registry.ts';
import type { RequestInfo } from './route.ts';

declare const AUTHENTICATED: unique symbol;
declare const AUTHORIZED: unique symbol;
declare const ADMITTED: unique symbol;

export interface Parsed {
  readonly info: RequestInfo;
  readonly options: RequestOptions;
  /** Names the field manager of clients that give none. */
  readonly userAgent: string;
  /** Collects what the client is to be warned of. */
  readonly warn: (message: string) => void;
}
export interface Authenticated extends Parsed {
  readonly user: UserInfo;
  readonly [AUTHENTICATED]: true;
}
export interface Authorized extends Authenticated {
  readonly [AUTHORIZED]: true;
}
/** A write with its object, and admission bound to it: the registry calls it between defaults and validation. */
export interface Admitted extends Authorized {
  readonly kind: Kind;
  readonly body: KubeObject | Patch | undefined;
  readonly context: WriteContext;
  readonly [ADMITTED]: true;
}

export function authenticated(parsed: Parsed, user: UserInfo): Authenticated {
  return { ...parsed, user } as Authenticated;
}

/** StatusError Forbidden, with upstream's words. */
export function authorize(request: Authenticated, authorizer: Authorizer): Authorized {
  const { info, user } = request;
  const attributes = { ...info, user };
  const decision = authorizer.authorize(attributes);
  if (!decision.allowed) throw forbiddenError(attributes, decision.reason);
  return request as Authorized;
}

export function admit(request: Authorized, admission: Admission, write: { kind: Kind; body?: KubeObject | Patch | undefined; track?: WriteContext['track'] }): Admitted {
  const { info, user, options, warn } = request;
  const { kind, body, track } = write;
  const dryRun = options.dryRun === true || (options.delete?.dryRun?.length ?? 0) > 0;
  const base = { kind, namespace: info.namespace, name: info.name, subresource: info.subresource, user, dryRun, options, warn };
  const context: WriteContext = {
    user, dryRun, warn, subresource: info.subresource, ...(track !== undefined && { track }),
    mutate: (object, old) => admission.mutate({ ...base, operation: old === undefined ? 'CREATE' : 'UPDATE', object, old }),
    validate: (object, old) => admission.validate({ ...base, operation: object === undefined ? 'DELETE' : old === undefined ? 'CREATE' : 'UPDATE', object, old }),
  };
  return { ...request, kind, body, context } as Admitted;
}
