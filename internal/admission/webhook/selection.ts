// Is a webhook asked about a request? By its namespace and object selectors, its rules, then its match conditions.
import type { Kinds } from '../../kinds/index.ts';
import type { Kind } from '../../kinds/kind.ts';
import type { Store } from '../../store/store.ts';
import { forbidden } from '../../authz/forbidden.ts';
import type { AdmissionRequest } from '../admission.ts';
import { matchConditions, type ConditionInput } from '../match-conditions.ts';
import { matchedKind, namespaceSelected, objectSelected } from '../matching.ts';
import type { Hook } from './hooks.ts';

export interface Selecting {
  store: Store;
  kinds: Kinds;
}

/** The kind by which it is asked; undefined: it is not. Throws when it should be, but that cannot be told: a namespace that is not there. */
export function selectedBy({ webhook: { namespaceSelector, objectSelector, rules = [], matchPolicy } }: Hook, request: AdmissionRequest, { store, kinds }: Selecting): Kind | undefined {
  const inNamespace = namespaceSelected(namespaceSelector, request, store);
  if (inNamespace === false || !objectSelected(objectSelector, request)) return undefined;
  const as = matchedKind({ rules, equivalent: matchPolicy !== 'Exact' }, request, kinds);
  if (as === undefined) return undefined;
  if (inNamespace !== true) throw inNamespace;
  return as;
}

/** false: a condition says no, or cannot be told and failures are ignored. */
export function conditionsMet({ webhook }: Hook, input: ConditionInput): boolean {
  const { matchConditions: conditions = [], failurePolicy } = webhook;
  if (conditions.length === 0) return true;
  const { met, error } = matchConditions(conditions, input);
  if (error === undefined) return met;
  if (failurePolicy === 'Ignore') return false;
  throw forbidden(input.request.kind, input.request.name, error);
}
