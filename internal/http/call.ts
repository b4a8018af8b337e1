// A request on its way through the verbs: what they work with, what they are called with, what they come to, and what is refused before any of them.
import type { Clock } from '../base/clock.ts';
import { StatusError } from '../base/errors.ts';
import type { ApiRequest } from '../api/request.ts';
import type { Schemas } from '../api/schema.ts';
import type { UserInfo } from '../api/user.ts';
import type { Admission } from '../admission/admission.ts';
import type { TokenIssuer } from '../authn/service-account-tokens.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { Kinds } from '../kinds/index.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Registry } from '../registry/registry.ts';
import type { Store } from '../store/store.ts';
import type { Audit } from './audit/trail.ts';
import type { Authorized } from './stages.ts';

export interface PipelineOptions {
  registry: Registry;
  store: Store;
  kinds: Kinds;
  schemas: Schemas;
  authorizer: Authorizer;
  admission: Admission;
  clock: Clock;
  /** Absent: nothing is written down. */
  audit?: Audit;
  /** Absent: no TokenRequests are answered. */
  tokens?: TokenIssuer;
  /** Whom a bearer token belongs to, for TokenReviews. */
  identify?(token: string): Promise<UserInfo | undefined>;
}

/** What a verb came to. */
export interface Answer {
  code: 200 | 201 | 202;
  body: unknown;
}

/** A request that may be made, for a kind that is served. */
export interface Call {
  request: Authorized;
  kind: Kind;
  body: ApiRequest['body'];
}

export function nothingThere(): StatusError {
  return new StatusError('NotFound', 'the server could not find the requested resource');
}

export function notAllowed(): StatusError {
  return new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
}
