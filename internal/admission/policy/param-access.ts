// Who writes a policy or binding with params must be able to read them: by what a policy says, it shows what they hold. Upstream asks in the
// strategies of these kinds; here it is a plugin, as it takes the authorizer.
import { forbidden as fieldForbidden, invalidObject } from '../../api/field-error.ts';
import { sameJson } from '../../api/json-equality.ts';
import { MASTERS_GROUP, type UserInfo } from '../../api/user.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { ParamKind, ParamRef } from '../../kinds/generated/api-types.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { paramKindOf, type Binding, type Policy, type Sources } from './invocations.ts';

const GROUP = 'admissionregistration.k8s.io';

type Options = Sources & { authorizer: Authorizer };

export function policyParams(options: Options): AdmissionPlugin {
  return {
    name: 'PolicyParamAccess',
    validate(request) {
      const { kind: { group, kind }, object, subresource, user } = request;
      if (group !== GROUP || object === undefined || subresource !== '' || user.groups.includes(MASTERS_GROUP)) return;
      if (kind.endsWith('AdmissionPolicy')) checkPolicy(options, request);
      if (kind.endsWith('AdmissionPolicyBinding')) checkBinding(options, request);
    },
  };
}

function checkPolicy({ authorizer, kinds }: Options, request: AdmissionRequest): void {
  const { paramKind } = (request.object as Policy).spec;
  if (paramKind === undefined || sameJson(paramKind, (request.old as Policy | undefined)?.spec.paramKind)) return;
  if (may(authorizer, request.user, { verb: 'get', ...resourceOf(paramKind, kinds), namespace: '*', name: '*' })) return;
  refuse(request, 'spec.paramKind', `user ${goUser(request.user)} must have "get" permission on all objects of the referenced paramKind (kind=${paramKind.kind ?? ''}, apiVersion=${paramKind.apiVersion ?? ''})`);
}

function checkBinding({ authorizer, kinds, store }: Options, request: AdmissionRequest): void {
  const { paramRef, policyName = '' } = (request.object as Binding).spec;
  const old = (request.old as Binding | undefined)?.spec;
  if (paramRef === undefined || (old !== undefined && sameJson([paramRef, policyName], [old.paramRef ?? null, old.policyName ?? '']))) return;
  const resource = request.kind.kind.startsWith('Validating') ? 'validatingadmissionpolicies' : 'mutatingadmissionpolicies';
  const policy = store.newest({ group: GROUP, resource }, { namespace: '', name: policyName }) as Policy | undefined;
  const verb = verbFor(paramRef);
  const asked = policy?.spec.paramKind === undefined ? { group: '*', version: '*', resource: '*' } : resourceOf(policy.spec.paramKind, kinds);
  if (may(authorizer, request.user, { verb, ...asked, namespace: paramRef.namespace ?? '', name: paramRef.name ?? '' })) return;
  const who = goUser(request.user);
  const unknown = `unable to get policy ${policyName} to determine minimum required permissions and user ${who} does not have "${verb}" permission for all groups, versions and resources`;
  refuse(request, 'spec.paramRef', policy === undefined ? unknown : `user ${who} does not have "${verb}" permission on the object referenced by paramRef`);
}

function verbFor({ name = '' }: ParamRef): string {
  return name === '' ? 'list' : 'get';
}

function resourceOf(paramKind: ParamKind, kinds: Sources['kinds']): { group: string; version: string; resource: string } {
  const { apiVersion = '' } = paramKind;
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  return { group, version, resource: paramKindOf(paramKind, kinds)?.resource ?? '*' };
}

function may(authorizer: Authorizer, user: UserInfo, asked: { verb: string; group: string; version: string; resource: string; namespace: string; name: string }): boolean {
  return authorizer.authorize({ user, isResource: true, path: '', subresource: '', fieldSelector: '', ...asked }).allowed;
}

function refuse({ kind, object }: AdmissionRequest, field: string, why: string): never {
  throw invalidObject({ group: kind.group, kind: kind.kind }, object?.metadata.name ?? '', [fieldForbidden(field, why)]);
}

/** A user as Go prints it. */
function goUser({ username, uid = '', groups, extra = {} }: UserInfo): string {
  const extras = Object.keys(extra).sort().map((key) => `${key}:[${(extra[key] ?? []).join(' ')}]`).join(' ');
  return `&{${username} ${uid} [${groups.join(' ')}] map[${extras}]}`;
}
