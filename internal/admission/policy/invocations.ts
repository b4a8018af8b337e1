// Which policies concern a request: each policy with those of its bindings that match, and the params each binding brings. What is wrong
// with one of them is told instead: its failurePolicy decides what that means.
import { messageOf } from '../../base/errors.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { MatchResources, ParamKind, ParamRef } from '../../kinds/generated/api-types.ts';
import type { Kinds } from '../../kinds/index.ts';
import type { Kind } from '../../kinds/kind.ts';
import type { Store } from '../../store/store.ts';
import type { AdmissionRequest } from '../admission.ts';
import { matchedKind, namespaceSelected, objectSelected } from '../matching.ts';
import { paramsOf } from './params.ts';

const GROUP = 'admissionregistration.k8s.io';

export type Policy = KubeObject & { spec: { failurePolicy?: string; matchConstraints?: MatchResources; paramKind?: ParamKind } };
export type Binding = KubeObject & { spec: { policyName?: string; paramRef?: ParamRef; matchResources?: MatchResources } };

export interface Sources {
  store: Store;
  kinds: Kinds;
}

export interface Invocation<P extends Policy = Policy, B extends Binding = Binding> {
  policy: P;
  binding: B;
  /** The kind by which the policy matched. */
  as: Kind;
  /** One evaluation each; undefined: without. */
  params: readonly (KubeObject | undefined)[];
}
export interface Misconfiguration<P extends Policy = Policy, B extends Binding = Binding> {
  policy: P;
  binding?: B;
  problem: string;
}

/** Policies by name, bindings by name. */
export async function invocationsOf<P extends Policy, B extends Binding>(type: 'validating' | 'mutating', request: AdmissionRequest, sources: Sources): Promise<(Invocation<P, B> | Misconfiguration<P, B>)[]> {
  const { store } = sources;
  const bindings = bindingsOf<B>(type, store);
  if (bindings.size === 0) return [];
  const found: (Invocation<P, B> | Misconfiguration<P, B>)[] = [];
  for (const name of [...bindings.keys()].sort()) {
    const policy = store.get({ group: GROUP, resource: `${type}admissionpolicies` }, { namespace: '', name }) as P | undefined;
    if (policy !== undefined) found.push(...(await ofPolicy(policy, bindings.get(name) ?? [], { request, sources })));
  }
  return found;
}

function bindingsOf<B extends Binding>(type: string, store: Store): Map<string, B[]> {
  const bindings = new Map<string, B[]>();
  store.list({ group: GROUP, resource: `${type}admissionpolicybindings` }, {
    visit(object) {
      const { policyName = '' } = (object as B).spec;
      const others = bindings.get(policyName);
      if (others === undefined) bindings.set(policyName, [object as B]);
      else others.push(object as B);
      return true;
    },
  });
  return bindings;
}

async function ofPolicy<P extends Policy, B extends Binding>(policy: P, bindings: readonly B[], { request, sources }: { request: AdmissionRequest; sources: Sources }): Promise<(Invocation<P, B> | Misconfiguration<P, B>)[]> {
  const { matchConstraints, paramKind } = policy.spec;
  const as = attempt(() => (matchConstraints === undefined ? undefined : matches(matchConstraints, request, sources)));
  if (as instanceof Error) return [{ policy, problem: `failed to configure policy: ${as.message}` }];
  if (as === undefined) return [];
  const known = paramKind === undefined ? undefined : paramKindOf(paramKind, sources.kinds);
  if (paramKind !== undefined && known === undefined) return [{ policy, problem: `failed to configure policy: failed to find resource referenced by paramKind: '${groupVersionKind(paramKind)}'` }];
  const found: (Invocation<P, B> | Misconfiguration<P, B>)[] = [];
  for (const binding of bindings) {
    const { matchResources, paramRef } = binding.spec;
    const matched = attempt(() => matchResources === undefined || matches(matchResources, request, sources) !== undefined);
    if (matched === false) continue;
    const params = matched instanceof Error ? matched : await paramsOf(sources.store, { kind: known, ref: paramRef, namespace: request.namespace }).catch((error: unknown) => new Error(messageOf(error)));
    if (params instanceof Error) found.push({ policy, binding, problem: `failed to configure binding: ${params.message}` });
    else if (params.length > 0) found.push({ policy, binding, as, params });
  }
  return found;
}

/** The kind by which the request matches; undefined: it does not. Throws when its namespace is not there to be looked at. */
function matches({ namespaceSelector, objectSelector, resourceRules = [], excludeResourceRules = [], matchPolicy }: MatchResources, request: AdmissionRequest, { store, kinds }: Sources): Kind | undefined {
  const inNamespace = namespaceSelected(namespaceSelector, request, store);
  if (inNamespace === false || !objectSelected(objectSelector, request)) return undefined;
  const equivalent = matchPolicy === 'Equivalent';
  if (excludeResourceRules.length > 0 && matchedKind({ rules: excludeResourceRules, equivalent }, request, kinds) !== undefined) return undefined;
  const as = resourceRules.length === 0 ? request.kind : matchedKind({ rules: resourceRules, equivalent }, request, kinds);
  if (as !== undefined && inNamespace !== true) throw inNamespace;
  return as;
}

function attempt<T>(run: () => T): T | Error {
  try {
    return run();
  } catch (error) {
    return error as Error;
  }
}

export function paramKindOf({ apiVersion = '', kind = '' }: ParamKind, kinds: Kinds): Kind | undefined {
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  return kinds.byKind(group, version, kind);
}

function groupVersionKind({ apiVersion = '', kind = '' }: ParamKind): string {
  return `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;
}

export function isMisconfiguration<P extends Policy, B extends Binding>(one: Invocation<P, B> | Misconfiguration<P, B>): one is Misconfiguration<P, B> {
  return 'problem' in one;
}

/** A namespaced request's namespace, for expressions; a namespace itself has none. */
export function namespaceOf({ kind, namespace }: AdmissionRequest, store: Store): KubeObject | undefined {
  if (namespace === '' || (kind.group === '' && kind.kind === 'Namespace')) return undefined;
  return store.newest({ group: '', resource: 'namespaces' }, { namespace: '', name: namespace });
}
