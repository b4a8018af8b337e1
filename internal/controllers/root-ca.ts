// ConfigMap kube-root-ca.crt in every live namespace: how pods know the API server. Put right when someone changes or deletes it.
import { sameWhenWritten } from '../api/json-equality.ts';
import { copy } from '../api/meta.ts';
import { wake, type Plan } from '../informer/loop.ts';
import type { ConfigMap } from '../kinds/generated/api-types.ts';
import { CONFIGMAPS, NAMESPACES } from '../kinds/generated/resources.ts';
import { controllerLoop, create, update, type Action, type ControllerLoop } from './action.ts';

const NAME = 'kube-root-ca.crt';
const ANNOTATIONS = {
  'kubernetes.io/description':
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
};

export interface RootCaState {
  namespace: string;
  current: ConfigMap | undefined;
  certificates: string;
}

/** `certificates`: PEM of the cluster's CA (several while it is being replaced). */
export function rootCaLoop(certificates: () => string): ControllerLoop<RootCaState> {
  return controllerLoop<RootCaState>({
    name: 'root-ca-cert-publisher',
    wakes: [
      wake(NAMESPACES, ({ metadata }) => [metadata.name]),
      wake(CONFIGMAPS, ({ metadata }) => (metadata.name === NAME ? [metadata.namespace ?? ''] : [])),
    ],
    observe(namespace, views) {
      const found = views.of(NAMESPACES).get('', namespace);
      if (found === undefined || found.metadata.deletionTimestamp !== undefined) return undefined;
      return { namespace, current: views.of(CONFIGMAPS).get(namespace, NAME), certificates: certificates() };
    },
    plan,
  });
}

export function plan({ namespace, current, certificates }: RootCaState): Plan<Action> {
  const data = { 'ca.crt': certificates };
  if (current === undefined) return { actions: [create(CONFIGMAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: NAME, namespace, annotations: ANNOTATIONS }, data }, { tolerate: ['AlreadyExists', 'NotFound'] })] };
  const annotations = { ...current.metadata.annotations, ...ANNOTATIONS };
  if (sameWhenWritten(current.data, data) && sameWhenWritten(current.metadata.annotations, annotations)) return { actions: [] };
  const next = copy(current);
  return { actions: [update(CONFIGMAPS, { ...next, data, metadata: { ...next.metadata, annotations } })] };
}
