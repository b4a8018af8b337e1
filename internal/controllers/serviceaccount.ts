// The `default` ServiceAccount of every live namespace: pods that name none run as it.
import { wake, type Plan } from '../informer/loop.ts';
import { NAMESPACES, SERVICEACCOUNTS } from '../kinds/generated/resources.ts';
import { controllerLoop, create, type Action, type ControllerLoop } from './action.ts';

export interface AccountState {
  namespace: string;
  exists: boolean;
}

export function serviceAccountLoop(): ControllerLoop<AccountState> {
  return controllerLoop<AccountState>({
    name: 'service-account-controller',
    wakes: [
      wake(NAMESPACES, ({ metadata }) => [metadata.name]),
      wake(SERVICEACCOUNTS, ({ metadata }) => (metadata.name === 'default' ? [metadata.namespace ?? ''] : [])),
    ],
    observe(namespace, views) {
      const found = views.of(NAMESPACES).get('', namespace);
      if (found === undefined || found.metadata.deletionTimestamp !== undefined) return undefined;
      return { namespace, exists: views.of(SERVICEACCOUNTS).get(namespace, 'default') !== undefined };
    },
    plan,
  });
}

export function plan({ namespace, exists }: AccountState): Plan<Action> {
  if (exists) return { actions: [] };
  return { actions: [create(SERVICEACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } }, { tolerate: ['AlreadyExists', 'NotFound'] })] };
}
