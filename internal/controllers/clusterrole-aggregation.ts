// ClusterRoles with an aggregationRule: their rules are those of every role the rule selects, in order of name, each once.
import { sameWhenWritten } from '../api/json-equality.ts';
import { copy } from '../api/meta.ts';
import { selectorOf } from '../api/selectors.ts';
import { wake, type Plan } from '../informer/loop.ts';
import type { ClusterRole, PolicyRule } from '../kinds/generated/api-types.ts';
import { CLUSTERROLES } from '../kinds/generated/resources.ts';
import { controllerLoop, update, type Action, type ControllerLoop } from './action.ts';

export interface AggregationState {
  role: ClusterRole;
  /** Every other role that one of its selectors takes, by name. */
  parts: ClusterRole[];
}

export function clusterRoleAggregationLoop(): ControllerLoop<AggregationState> {
  return controllerLoop<AggregationState>({
    name: 'clusterrole-aggregation-controller',
    wakes: [wake(CLUSTERROLES, (_role, views) => views.of(CLUSTERROLES).list().filter(({ aggregationRule }) => aggregationRule !== undefined).map(({ metadata }) => metadata.name))],
    observe(name, views) {
      const role = views.of(CLUSTERROLES).get('', name);
      if (role?.aggregationRule === undefined) return undefined;
      const selectors = (role.aggregationRule.clusterRoleSelectors ?? []).map((selector) => selectorOf(selector));
      const parts = views.of(CLUSTERROLES).list().filter(({ metadata }) => metadata.name !== name && selectors.some((selector) => selector.matches(metadata.labels)));
      return { role, parts };
    },
    plan,
  });
}

export function plan({ role, parts }: AggregationState): Plan<Action> {
  const rules: PolicyRule[] = [];
  for (const rule of parts.flatMap((part) => part.rules ?? [])) if (!rules.some((each) => sameWhenWritten(each, rule))) rules.push(rule);
  return { actions: sameWhenWritten(rules, role.rules) ? [] : [update(CLUSTERROLES, { ...copy(role), rules: copy(rules) })] };
}
