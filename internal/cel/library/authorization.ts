// The chains of `authorizer`: group('').resource('pods').namespace('x').check('create').allowed(), path('/healthz').check('get').
import { dnsLabelName, subdomainName } from '../../api/names.ts';
import { CheckValue, DecisionValue, type AuthorizerQuery } from '../authorizer.ts';
import { EvaluationError } from '../cel-error.ts';
import type { Definition } from '../function.ts';

const of = (name: string): string => `kubernetes.authorization.${name}`;
const [A, P, G, R, D] = [of('Authorizer'), of('PathCheck'), of('GroupCheck'), of('ResourceCheck'), of('Decision')];

export function authorizationLibrary(): Definition[] {
  const setters = (['subresource', 'namespace', 'name', 'fieldSelector', 'labelSelector'] as const).map((field): Definition => {
    const id = field.endsWith('Selector') ? `authorizer_${field.toLowerCase()}` : `resourcecheck_${field}`;
    return [field, id, `${R}.(string) ${R}`, (check: CheckValue, value: string) => step(check, 'resource', { [field]: value })];
  });
  return [
    ['path', 'authorizer_path', `${A}.(string) ${P}`, (check: CheckValue, path: string) => step(check, 'path', { path: filled(path, 'path') })],
    ['group', 'authorizer_group', `${A}.(string) ${G}`, (check: CheckValue, group: string) => step(check, 'group', { group })],
    ['serviceAccount', 'authorizer_serviceaccount', `${A}.(string, string) ${A}`, asServiceAccount],
    ['resource', 'groupcheck_resource', `${G}.(string) ${R}`, (check: CheckValue, resource: string) => step(check, 'resource', { isResource: true, version: '*', resource: filled(resource, 'resource') })],
    ...setters,
    ['check', 'pathcheck_check', `${P}.(string) ${D}`, decide], ['check', 'resourcecheck_check', `${R}.(string) ${D}`, decide],
    ['errored', 'decision_errored', `${D}.() bool`, ({ decision }: DecisionValue) => decision.error !== undefined],
    ['error', 'decision_error', `${D}.() string`, ({ decision }: DecisionValue) => decision.error ?? ''],
    ['allowed', 'decision_allowed', `${D}.() bool`, ({ decision }: DecisionValue) => decision.allowed],
    ['reason', 'decision_reason', `${D}.() string`, ({ decision }: DecisionValue) => decision.reason],
  ];
}

function step({ port, query }: CheckValue, stage: ConstructorParameters<typeof CheckValue>[0], more: Partial<AuthorizerQuery>): CheckValue {
  return new CheckValue(stage, port, { ...query, ...more });
}

function filled(text: string, name: string): string {
  if (text.trim() === '') throw new EvaluationError(`${name} must not be empty`);
  return text;
}

function asServiceAccount(check: CheckValue, namespace: string, name: string): CheckValue {
  if (subdomainName(name, false).length > 0) throw new EvaluationError('Invalid service account name');
  if (dnsLabelName(namespace, false).length > 0) throw new EvaluationError('Invalid service account namespace');
  return step(check, 'authorizer', { serviceAccount: { namespace, name } });
}

function decide({ port, query }: CheckValue, verb: string): DecisionValue {
  return new DecisionValue(port.authorize({ ...query, verb }));
}
