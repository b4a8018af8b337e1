// The life of a request as types: Parsed → Authenticated → Authorized → Admitted. Each stage can only be made from the one before, by the
// one function that checks it (the brands are not exported), so that a skipped stage does not compile.
import type { Admission, AdmissionRequest } from '../admission/admission.ts';
import type { Attributes } from '../authz/attributes.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { forbiddenError } from '../authz/forbidden.ts';
import type { KubeObject } from '../api/meta.ts';
import { decodeOwners } from '../api/patch/field-owners.ts';
import type { Patch, RequestOptions } from '../api/request.ts';
import type { UserInfo } from '../api/user.ts';
import type { Kind } from '../kinds/kind.ts';
import type { WriteContext } from '../registry/registry.ts';
import type { AuditTrail } from './audit/trail.ts';
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
  /** Collects what the audit log is to have. */
  readonly annotate?: (key: string, value: string) => void;
  /** Where this request is written down. */
  readonly audit?: AuditTrail | undefined;
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
  request.annotate?.('authorization.k8s.io/decision', decision.allowed ? 'allow' : 'forbid');
  request.annotate?.('authorization.k8s.io/reason', decision.reason);
  if (!decision.allowed) throw forbiddenError(attributes, decision.reason);
  return request as Authorized;
}

export function admit(request: Authorized, admission: Admission, write: { kind: Kind; body?: KubeObject | Patch | undefined; track?: WriteContext['track'] }): Admitted {
  const { info, user, warn } = request;
  const { kind, body, track } = write;
  const ask = (object: KubeObject | undefined, old: KubeObject | undefined): AdmissionRequest =>
    admissionRequest(request, kind, { operation: object === undefined ? 'DELETE' : old === undefined ? 'CREATE' : 'UPDATE', object, old });
  const context: WriteContext = {
    user, dryRun: isDryRun(request), warn, subresource: info.subresource, ...(track !== undefined && { track }),
    mutate: (object, old) => mutateObject(admission, ask(object, old)),
    async validate(object, old) {
      const asked = ask(object, old);
      if (asked.operation === 'DELETE') await admission.mutate(asked); // nothing to change, but also theirs to refuse
      await admission.validate(asked);
    },
  };
  return { ...request, kind, body, context } as Admitted;
}

/** For an update or an apply of what may not be there yet: who may not create it is refused where it would be made. */
export function asCreator({ context, ...request }: Admitted, authorizer: Authorizer): WriteContext {
  return {
    ...context,
    async validate(object, old) {
      if (old === undefined) refuseUnlessAllowed({ ...request.info, user: request.user, verb: 'create' }, authorizer);
      await context.validate?.(object, old);
    },
  };
}

function refuseUnlessAllowed(attributes: Attributes, authorizer: Authorizer): void {
  const { allowed, reason } = authorizer.authorize(attributes);
  if (!allowed) throw forbiddenError(attributes, reason);
}

/** Admission of what is no write of the object itself: a subresource that takes an object of another kind, or a connection. */
export async function admitOnly(request: Authorized, admission: Admission, asked: { kind: Kind; operation: 'CREATE' | 'UPDATE' | 'CONNECT'; object: KubeObject; old?: KubeObject | undefined }): Promise<void> {
  const { kind, operation, object, old } = asked;
  const whole = admissionRequest(request, kind, { operation, object, old });
  await admission.mutate(whole);
  await admission.validate(whole);
}

function admissionRequest(request: Authorized, kind: Kind, change: Pick<AdmissionRequest, 'operation' | 'object' | 'old'>): AdmissionRequest {
  const { info, user, options, warn, annotate } = request;
  const { operation, object } = change;
  const name = info.name !== '' || operation !== 'CREATE' ? info.name : (object?.metadata?.name ?? '');
  // A namespace is in itself.
  const namespace = kind.group === '' && kind.resource === 'namespaces' && info.namespace === '' ? name : info.namespace;
  return { ...change, kind, namespace, name, subresource: info.subresource, user, dryRun: isDryRun(request), options, warn, ...(annotate !== undefined && { annotate }) };
}

function isDryRun({ options }: Parsed): boolean {
  return options.dryRun === true || (options.delete?.dryRun?.length ?? 0) > 0;
}

/** Who owns which fields is not admission's to spoil. */
async function mutateObject(admission: Admission, request: AdmissionRequest): Promise<void> {
  const metadata = request.object?.metadata;
  const before = metadata?.managedFields;
  await admission.mutate(request);
  const after = request.object?.metadata;
  if (after === undefined || after.managedFields === before) return;
  const owners = decodeOwners(after.managedFields);
  if (typeof owners !== 'string') return;
  if (before === undefined) delete after.managedFields;
  else after.managedFields = before;
  request.warn(`.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${owners}`);
}
