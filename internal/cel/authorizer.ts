// The `authorizer` variable: chains that end in check(), answered by a port. authorizer.group('').resource('pods').check('list').allowed()
import { opaque, type CelType } from './type.ts';
import { OpaqueValue, type Value } from './value.ts';

/**
 * What `authorizer` answers from; the value of a variable of type AUTHORIZER is made of it by `authorizerValue(port)`, that of
 * `authorizer.requestResource` (RESOURCE_CHECK) by `resourceCheckValue(port, resource)`.
 */
export interface AuthorizerPort {
  /** `serviceAccount` where the expression asked for another user than the request's. */
  authorize(query: AuthorizerQuery): { allowed: boolean; reason: string; error?: string };
}

export interface AuthorizerQuery {
  serviceAccount?: { namespace: string; name: string };
  isResource: boolean;
  path: string;
  verb: string;
  group: string;
  /** '*' for resources. */
  version: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  fieldSelector: string;
  labelSelector: string;
}

const NAMES = { authorizer: 'Authorizer', path: 'PathCheck', group: 'GroupCheck', resource: 'ResourceCheck', decision: 'Decision' } as const;

/** The type of the variable `authorizer`, and that of `authorizer.requestResource`. */
export const AUTHORIZER: CelType = opaque('kubernetes.authorization.Authorizer');
export const RESOURCE_CHECK: CelType = opaque('kubernetes.authorization.ResourceCheck');

/** A step of a chain: who asks whom, and what is known so far. */
export class CheckValue extends OpaqueValue {
  readonly typeName: string;
  readonly port: AuthorizerPort;
  readonly query: AuthorizerQuery;

  constructor(stage: keyof typeof NAMES, port: AuthorizerPort, query: AuthorizerQuery) {
    super();
    this.typeName = `kubernetes.authorization.${NAMES[stage]}`;
    this.port = port;
    this.query = query;
  }

  equals(other: Value): boolean {
    return other instanceof CheckValue && other.typeName === this.typeName && other.port === this.port && JSON.stringify(other.query) === JSON.stringify(this.query);
  }
}

export class DecisionValue extends OpaqueValue {
  readonly typeName = `kubernetes.authorization.${NAMES.decision}`;
  readonly decision: ReturnType<AuthorizerPort['authorize']>;

  constructor(decision: ReturnType<AuthorizerPort['authorize']>) {
    super();
    this.decision = decision;
  }

  equals(other: Value): boolean {
    return other instanceof DecisionValue && other.decision.allowed === this.decision.allowed && other.decision.reason === this.decision.reason && other.decision.error === this.decision.error;
  }
}

const NOTHING: AuthorizerQuery = { isResource: false, path: '', verb: '', group: '', version: '', resource: '', subresource: '', namespace: '', name: '', fieldSelector: '', labelSelector: '' };

export function authorizerValue(port: AuthorizerPort): OpaqueValue {
  return new CheckValue('authorizer', port, NOTHING);
}

/** The check of the request's own resource. */
export function resourceCheckValue(port: AuthorizerPort, resource: Pick<AuthorizerQuery, 'group' | 'resource' | 'subresource' | 'namespace' | 'name'>): OpaqueValue {
  return new CheckValue('resource', port, { ...NOTHING, isResource: true, version: '*', ...resource });
}
