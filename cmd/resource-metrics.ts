// The built-in metrics API: its kinds are served while nobody else serves the group.
import type { Clock } from '../internal/base/clock.ts';
import type { Component } from '../internal/base/component.ts';
import type { KubeletCalls } from '../internal/api/kubelet-calls.ts';
import type { KubeObject } from '../internal/api/meta.ts';
import type { ResourceUsage } from '../internal/api/resource-usage.ts';
import { createResourceUsage } from '../internal/client/resource-usage.ts';
import type { Views } from '../internal/informer/view.ts';
import type { Kinds } from '../internal/kinds/index.ts';
import { APISERVICES, NODES, PODS } from '../internal/kinds/generated/resources.ts';
import { METRICS_GROUP, METRICS_VERSION, resourceMetricsKinds } from '../internal/kinds/resource-metrics.ts';

export interface ResourceMetrics {
  usage: ResourceUsage;
  component: Component;
}

function labelsOf(object: KubeObject | undefined): Record<string, string> | undefined {
  return object === undefined ? undefined : (object.metadata.labels ?? {});
}

export function createResourceMetrics({ kinds, views, kubelets, clock }: { kinds: Kinds; views: Views; kubelets: KubeletCalls; clock: Clock }): ResourceMetrics {
  const nodes = views.of(NODES);
  const usage = createResourceUsage({ nodes: () => nodes.list().map(({ metadata }) => metadata.name), kubelets, clock });
  const own = resourceMetricsKinds({ usage, labelsOf: (resource, key) => labelsOf(resource === 'nodes' ? nodes.get('', key.name) : views.of(PODS).get(key.namespace, key.name)) });
  const name = `${METRICS_VERSION}.${METRICS_GROUP}`;
  let end = (): void => {};
  return {
    usage,
    component: {
      name: 'resource-metrics',
      start() {
        kinds.replace('resource-metrics', own);
        end = views.of(APISERVICES).subscribe(({ type, object }) => {
          if (object.metadata.name === name) kinds.replace('resource-metrics', type !== 'DELETED' && object.spec?.service !== undefined ? [] : own);
        });
        return Promise.resolve();
      },
      stop() {
        end();
        return Promise.resolve();
      },
    },
  };
}
