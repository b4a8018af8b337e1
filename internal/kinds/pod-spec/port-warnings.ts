// Ports of one pod that are the same, or as good as (upstream: pkg/api/pod).
import type { ContainerPort } from '../generated/api-types.ts';
import type { Placed } from './placed-containers.ts';

interface Seen { path: string; port: ContainerPort }

/** A container with its path. */
export function portWarnings(containers: readonly Placed[]): string[] {
  const ports = containers.flatMap(([{ ports: own = [] }, path]) => own.map((port, index): Seen => ({ path: `${path}.ports[${String(index)}]`, port })));
  return [...ports.flatMap((seen, index) => [...hostWarnings(seen), ...overlaps(seen, ports.slice(0, index))]), ...nameWarnings(ports)];
}

function hostWarnings({ path, port: { name = '', hostPort = 0, containerPort, protocol, hostIP = '' } }: Seen): string[] {
  return hostIP !== '' && hostPort === 0 ? [`${path}: hostIP set without hostPort: {Name:${name} HostPort:${String(hostPort)} ContainerPort:${String(containerPort)} Protocol:${protocol ?? ''} HostIP:${hostIP}}`] : [];
}

function overlaps({ path, port }: Seen, before: readonly Seen[]): string[] {
  return before.filter((other) => other.port.containerPort === port.containerPort && other.port.protocol === port.protocol).flatMap((other) => {
    const [mine, theirs] = [port.hostIP ?? '', other.port.hostIP ?? ''];
    const [host, otherHost] = [port.hostPort ?? 0, other.port.hostPort ?? 0];
    if (mine === theirs && host === otherHost) return [`${path}: duplicate port definition with ${other.path}`];
    if (host === 0 || otherHost === 0) return [`${path}: overlapping port definition with ${other.path}`];
    return host === otherHost && (mine === '') !== (theirs === '') ? [`${path}: dangerously ambiguous port definition with ${other.path}`] : [];
  });
}

function nameWarnings(ports: readonly Seen[]): string[] {
  return ports.flatMap(({ path, port: { name = '' } }, index) => {
    const first = name === '' ? undefined : ports.find(({ port }) => port.name === name);
    return first === undefined || first === ports[index] ? [] : [`${path}: duplicate port name ${JSON.stringify(name)} with ${first.path}, services and probes that select ports by name will use ${first.path}`];
  });
}
