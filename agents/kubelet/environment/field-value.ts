// The downward API: what a fieldRef or resourceFieldRef of a pod gives, as env values and files show it.
import { quantityMilliValue, quantityValue } from '../../../internal/api/quantity.ts';
import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from '../../../internal/kinds/generated/api-types.ts';
import { containersOf } from '../pod-spec.ts';

export interface FieldContext {
  pod: Pod;
  podIps: readonly string[];
  hostIps: readonly string[];
  /** The node's allocatable resources: what a container without limits may use. */
  allocatable: Readonly<Record<string, string>>;
}

export function fieldValue({ pod, podIps, hostIps }: FieldContext, { fieldPath }: ObjectFieldSelector): string {
  switch (fieldPath) {
    case 'spec.nodeName': return pod.spec.nodeName ?? '';
    case 'spec.serviceAccountName': return pod.spec.serviceAccountName ?? '';
    case 'status.hostIP': return hostIps[0] ?? '';
    case 'status.hostIPs': return hostIps.join(',');
    case 'status.podIP': return podIps[0] ?? '';
    case 'status.podIPs': return podIps.join(',');
    default: return metadataValue(pod, fieldPath);
  }
}

function metadataValue({ metadata }: Pod, path: string): string {
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (subscript !== null) return (subscript[1] === 'labels' ? metadata.labels : metadata.annotations)?.[subscript[2] ?? ''] ?? '';
  switch (path) {
    case 'metadata.name': return metadata.name;
    case 'metadata.namespace': return metadata.namespace ?? '';
    case 'metadata.uid': return metadata.uid;
    case 'metadata.labels': return formatMap(metadata.labels);
    case 'metadata.annotations': return formatMap(metadata.annotations);
    default: throw new Error(`unsupported fieldPath: ${path}`);
  }
}

/** One `key="value"` a line, sorted, values quoted as Go quotes strings. */
function formatMap(map: Record<string, string> | undefined): string {
  return Object.keys(map ?? {}).sort().map((key) => `${key}=${quote(map?.[key] ?? '')}`).join('\n');
}

function quote(text: string): string {
  const escapes: Record<string, string> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\t': '\\t', '\r': '\\r', '\u0007': '\\a', '\b': '\\b', '\f': '\\f', '\v': '\\v' };
  return `"${text.replace(/[\\"\u0000-\u001f\u007f]/g, (char) => escapes[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)}"`;
}

export function resourceFieldValue({ pod, allocatable }: FieldContext, container: Container, { resource, divisor, containerName }: ResourceFieldSelector): string {
  const subject = containerName === undefined || containerName === '' ? container : containersOf(pod).find(({ spec }) => spec.name === containerName)?.spec;
  if (subject === undefined) throw new Error(`container ${containerName ?? ''} not found`);
  const dot = resource.indexOf('.');
  const [what, name] = [resource.slice(0, dot), resource.slice(dot + 1)];
  const amount = what === 'limits' ? limitOf(pod, subject, name, allocatable) : requestOf(pod, subject, name);
  return String(divide(name, amount, divisor === undefined || divisor === '0' || divisor === '' ? '1' : divisor));
}

function limitOf(pod: Pod, container: Container, name: string, allocatable: Readonly<Record<string, string>>): string {
  const own = container.resources?.limits?.[name];
  if (own !== undefined && quantityMilliValue(own) !== 0) return own;
  return pod.spec.resources?.limits?.[name] ?? allocatable[name] ?? '0';
}

function requestOf(_pod: Pod, container: Container, name: string): string {
  return container.resources?.requests?.[name] ?? '0';
}

function divide(name: string, amount: string, divisor: string): number {
  return name === 'cpu' ? Math.ceil(quantityMilliValue(amount) / quantityMilliValue(divisor)) : Math.ceil(quantityValue(amount) / quantityValue(divisor));
}
