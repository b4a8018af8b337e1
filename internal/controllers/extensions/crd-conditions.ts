// Conditions of CustomResourceDefinitions: which of the wanted names are free within the group (NamesAccepted), served from then on
// (Established), and the approval that protected groups need (KubernetesAPIApprovalPolicyConformant). Schemas that are not structural are
// refused, so that NonStructuralSchema never holds. Upstream: apiextensions-apiserver, pkg/controller/{status,establish,apiapproval}.
import { sameJson } from '../../api/json-equality.ts';
import { copy } from '../../api/meta.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '../../kinds/generated/api-types.ts';
import { CUSTOMRESOURCEDEFINITIONS } from '../../kinds/generated/resources.ts';
import { approvalOf, isProtected } from '../../kinds/custom/api-approval.ts';
import { hasCondition, withCondition } from '../../kinds/custom/crd-conditions.ts';
import { controllerLoop, updateStatus, type Action, type ControllerLoop } from '../action.ts';

export interface CrdState {
  crd: CustomResourceDefinition;
  /** Names that other definitions of the group have. */
  taken: { resources: ReadonlySet<string>; kinds: ReadonlySet<string> };
}

export function crdConditionsLoop(): ControllerLoop<CrdState> {
  return controllerLoop<CrdState>({
    name: 'crd-naming-condition-controller',
    user: 'system:apiserver',
    // Names that one gives up are for another of its group.
    wakes: [wake(CUSTOMRESOURCEDEFINITIONS, (crd, views) => views.of(CUSTOMRESOURCEDEFINITIONS).list().filter(({ spec }) => spec.group === crd.spec.group).map(({ metadata }) => metadata.name))],
    concurrency: 1,
    observe(key, views) {
      const all = views.of(CUSTOMRESOURCEDEFINITIONS);
      const crd = all.get('', key);
      if (crd === undefined) return undefined;
      const others = all.list().filter(({ spec, metadata }) => spec.group === crd.spec.group && metadata.name !== key).map(({ status }) => status?.acceptedNames);
      return { crd, taken: { resources: new Set(others.flatMap(resourceNames)), kinds: new Set(others.flatMap((names) => [names?.kind ?? '', names?.listKind ?? '']).filter(Boolean)) } };
    },
    plan,
  });
}

function resourceNames(names: CustomResourceDefinitionNames | undefined): string[] {
  return [names?.plural ?? '', names?.singular ?? '', ...(names?.shortNames ?? [])].filter(Boolean);
}

export function plan({ crd, taken }: CrdState, now: number): Plan<Action> {
  const { names, problem } = acceptedNames(crd, taken);
  let conditions = withCondition(crd.status?.conditions, problem === undefined
    ? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
    : { type: 'NamesAccepted', status: 'False', ...problem }, now);
  if (!hasCondition(crd, 'Established')) {
    conditions = withCondition(conditions, problem === undefined
      ? { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }
      : { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }, now);
  }
  if (isProtected(crd.spec.group)) conditions = withCondition(conditions, approvalOf(crd.metadata.annotations), now);
  const status = { ...crd.status, acceptedNames: names, conditions };
  return { actions: sameJson(status, crd.status) ? [] : [updateStatus(CUSTOMRESOURCEDEFINITIONS, { ...copy(crd), status: copy(status) })] };
}

/** The wanted names as far as they are free, the ones held before where they are not. */
function acceptedNames(crd: CustomResourceDefinition, { resources, kinds }: CrdState['taken']): { names: CustomResourceDefinitionNames; problem: { reason: string; message: string } | undefined } {
  const wanted = crd.spec.names;
  const held = crd.status?.acceptedNames ?? { plural: '', kind: '' };
  let problem: { reason: string; message: string } | undefined;
  const settle = (field: 'plural' | 'singular' | 'kind' | 'listKind', taken: ReadonlySet<string>, reason: string): string => {
    const [name = '', before = ''] = [wanted[field], held[field]];
    if (name === before || !taken.has(name)) return name;
    problem = { reason, message: inUse(name) };
    return before;
  };
  const plural = settle('plural', resources, 'PluralConflict');
  const singular = settle('singular', resources, 'SingularConflict');
  const clashes = (wanted.shortNames ?? []).filter((name) => held.shortNames?.includes(name) !== true && resources.has(name));
  if (clashes.length > 0) problem = { reason: 'ShortNamesConflict', message: clashes.length === 1 ? inUse(clashes[0] ?? '') : `[${clashes.map(inUse).join(', ')}]` };
  const shortNames = clashes.length > 0 ? held.shortNames : wanted.shortNames;
  const kind = settle('kind', kinds, 'KindConflict');
  const listKind = settle('listKind', kinds, 'ListKindConflict');
  const names: CustomResourceDefinitionNames = {
    plural, ...(singular !== '' && { singular }), ...(shortNames !== undefined && { shortNames }), kind, ...(listKind !== '' && { listKind }),
    ...(wanted.categories !== undefined && { categories: wanted.categories }),
  };
  return { names, problem };
}

function inUse(name: string): string {
  return `${JSON.stringify(name)} is already in use`;
}
