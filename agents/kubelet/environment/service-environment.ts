// Variables that tell of services, as Docker links did: REDIS_SERVICE_HOST, REDIS_PORT_6379_TCP_ADDR, … For the services of the pod's
// namespace (unless enableServiceLinks is false), and always for default/kubernetes.
import type { Service, ServicePort } from '../../../internal/kinds/generated/api-types.ts';

export function serviceEnvironment(services: readonly Service[], namespace: string, links: boolean): Map<string, string> {
  const environment = new Map<string, string>();
  const chosen = new Map<string, Service>();
  for (const service of services) {
    const { clusterIP } = service.spec ?? {};
    if (clusterIP === undefined || clusterIP === '' || clusterIP === 'None') continue;
    const { name, namespace: home } = service.metadata;
    if (home === namespace && links) chosen.set(name, service);
    else if (home === 'default' && name === 'kubernetes' && !chosen.has(name)) chosen.set(name, service);
  }
  for (const service of chosen.values()) for (const [name, value] of variablesOf(service)) environment.set(name, value);
  return environment;
}

function variablesOf(service: Service): [string, string][] {
  const name = variableName(service.metadata.name);
  const host = service.spec?.clusterIP ?? '';
  const ports = service.spec?.ports ?? [];
  const [first] = ports;
  if (first === undefined) return [[`${name}_SERVICE_HOST`, host]];
  const named = ports.filter((port) => port.name !== undefined && port.name !== '').map((port): [string, string] => [`${name}_SERVICE_PORT_${variableName(port.name ?? '')}`, String(port.port)]);
  return [[`${name}_SERVICE_HOST`, host], [`${name}_SERVICE_PORT`, String(first.port)], ...named, [`${name}_PORT`, urlOf(host, first)], ...ports.flatMap((port) => linksOf(name, host, port))];
}

function linksOf(name: string, host: string, port: ServicePort): [string, string][] {
  const protocol = port.protocol ?? 'TCP';
  const prefix = `${name}_PORT_${String(port.port)}_${protocol.toUpperCase()}`;
  return [[prefix, urlOf(host, port)], [`${prefix}_PROTO`, protocol.toLowerCase()], [`${prefix}_PORT`, String(port.port)], [`${prefix}_ADDR`, host]];
}

function urlOf(host: string, port: ServicePort): string {
  return `${(port.protocol ?? 'TCP').toLowerCase()}://${host.includes(':') ? `[${host}]` : host}:${String(port.port)}`;
}

function variableName(text: string): string {
  return text.toUpperCase().replaceAll('-', '_');
}
