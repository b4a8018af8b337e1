// An APIService for each group and version that custom resources bring, as long as a definition serves it; those of built-in groups are made at
// start (authz/bootstrap-policy). Upstream: pkg/controlplane/controller/crdregistration, kube-aggregator's autoregister.
import type { Draft } from '../../api/meta.ts';
import { wake } from '../../informer/loop.ts';
import type { APIService } from '../../kinds/generated/api-types.ts';
import { APISERVICES, CUSTOMRESOURCEDEFINITIONS } from '../../kinds/generated/resources.ts';
import { controllerLoop, create, remove, type ControllerLoop } from '../action.ts';

const MANAGED = 'kube-aggregator.kubernetes.io/automanaged';
/** Low: what a cluster is made of comes first. */
const PRIORITY = { groupPriorityMinimum: 1000, versionPriority: 100 };

export interface RegistrationState {
  group: string;
  version: string;
  served: boolean;
  existing: APIService | undefined;
}

export function apiServiceRegistrationLoop(): ControllerLoop<RegistrationState> {
  return controllerLoop<RegistrationState>({
    name: 'apiservice-registration-controller',
    user: 'system:apiserver',
    wakes: [
      wake(CUSTOMRESOURCEDEFINITIONS, ({ spec }, _views, previous) => [...spec.versions, ...(previous?.spec.versions ?? [])].map(({ name }) => `${name}.${spec.group}`)),
      wake(APISERVICES, ({ metadata }) => (metadata.labels?.[MANAGED] === 'true' ? [metadata.name] : [])),
    ],
    observe(key, views) {
      const dot = key.indexOf('.');
      const [version, group] = [key.slice(0, dot), key.slice(dot + 1)];
      const served = views.of(CUSTOMRESOURCEDEFINITIONS).list().some(({ spec }) => spec.group === group && spec.versions.some((one) => one.name === version && one.served));
      return { group, version, served, existing: views.of(APISERVICES).get('', key) };
    },
    plan({ group, version, served, existing }) {
      if (served && existing === undefined) {
        const draft: Draft<APIService> = { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: `${version}.${group}`, labels: { [MANAGED]: 'true' } }, spec: { group, version, ...PRIORITY } };
        return { actions: [create(APISERVICES, draft, { tolerate: ['AlreadyExists'] })] };
      }
      if (!served && existing?.metadata.labels?.[MANAGED] === 'true') return { actions: [remove(APISERVICES, existing)] };
      return { actions: [] };
    },
  });
}
