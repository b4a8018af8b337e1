// What Endpoints and EndpointSlices have in common: which pods stand behind a Service, at which ports, and in which state.
import { keyOf, type KubeObject } from '../../api/meta.ts';
import type { Views } from '../../informer/view.ts';
import type { Pod, Service, ServicePort } from '../../kinds/generated/api-types.ts';
import { PODS, SERVICES } from '../../kinds/generated/resources.ts';
import { isFinished, isReady, isSidecar } from '../pod-state.ts';

/** Keys of the Services that select the pod now or did before. */
export function servicesOfPod(pod: Pod, views: Views, previous?: Pod): string[] {
  const services = views.of(SERVICES).list(pod.metadata.namespace);
  return services.filter(({ spec }) => selects(spec.selector, pod) || (previous !== undefined && selects(spec.selector, previous))).map(keyOf);
}

export function podsOfService(service: Service, views: Views): Pod[] {
  return views.of(PODS).list(service.metadata.namespace).filter((pod) => selects(service.spec.selector, pod) && pod.status?.podIP !== undefined && pod.status.podIP !== '' && !isFinished(pod));
}

function selects(selector: Record<string, string> | undefined, pod: KubeObject): boolean {
  if (selector === undefined) return false;
  return Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value);
}

export interface Readiness {
  ready: boolean;
  serving: boolean;
  terminating: boolean;
}

export function readinessOf(pod: Pod, service: Service): Readiness {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  return { ready: service.spec.publishNotReadyAddresses === true || (serving && !terminating), serving, terminating };
}

/** The number behind a Service's targetPort in this pod; undefined when the pod has no port of that name. */
export function portOf(pod: Pod, { targetPort, port, protocol }: ServicePort): number | undefined {
  if (targetPort === undefined) return port;
  if (typeof targetPort === 'number') return targetPort;
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)];
  return containers.flatMap(({ ports }) => ports ?? []).find((each) => each.name === targetPort && (each.protocol ?? 'TCP') === (protocol ?? 'TCP'))?.containerPort;
}

export function isHeadless({ spec }: Service): boolean {
  return spec.clusterIP === undefined || spec.clusterIP === '' || spec.clusterIP === 'None';
}

/** A hostname is told only for pods whose subdomain is the Service (its DNS name then exists). */
export function hostnameOf(pod: Pod, service: Service): string | undefined {
  const { hostname, subdomain } = pod.spec;
  return hostname !== undefined && hostname !== '' && subdomain === service.metadata.name ? hostname : undefined;
}

export function isManaged({ spec }: Service): boolean {
  return spec.type !== 'ExternalName' && spec.selector !== undefined;
}
