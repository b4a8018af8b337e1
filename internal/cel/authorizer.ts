// The `authorizer` variable: chains that end in check(), answered by a port. authorizer.group('').resource('pods').check('list').allowed()
import type { AuthorizerPort, AuthorizerQuery } from './index.ts';
import { opaque, type CelType } from './type.ts';
import { OpaqueValue, type Value } from './value.ts';

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
