// What the kubelet tells of its pods, of what they use, and of itself.
import { get, post, type Row } from '../row.ts';

export const OBJECT_ROWS: readonly Row[] = [
  get('pods', '/pods', { part: 'shape' }), get('running pods', '/runningpods/', { part: 'shape' }),
  get('summary', '/stats/summary', { part: 'shape' }), get('summary of cpu and memory', '/stats/summary?only_cpu_and_memory=true', { part: 'shape' }), get('summary, not only', '/stats/summary?only_cpu_and_memory=1', { part: 'shape' }),
  post('summary by post', '/stats/summary', { part: 'shape', body: 'only_cpu_and_memory=true', headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
  get('metrics', '/metrics', { part: 'metrics' }), get('metrics of cadvisor', '/metrics/cadvisor', { part: 'metrics' }), get('metrics of resources', '/metrics/resource', { part: 'metrics' }), get('metrics of probes', '/metrics/probes', { part: 'metrics' }), get('metrics of checks', '/metrics/slis', { part: 'metrics' }),
  get('metrics as OpenMetrics', '/metrics/resource', { part: 'refusal', headers: { accept: 'application/openmetrics-text;version=1.0.0' } }), get('metrics as protobuf', '/metrics/resource', { part: 'refusal', headers: { accept: 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited' } }),
  get('configuration', '/configz', { part: 'shape' }),
  get('status page', '/statusz', { part: 'refusal' }), get('status as json', '/statusz', { part: 'shape', headers: { accept: 'application/json;v=v1alpha1;g=config.k8s.io;as=Statusz' } }), get('status as anything else', '/statusz', { headers: { accept: 'application/json' } }),
  get('flags page', '/flagz', { part: 'refusal' }), get('flags as json', '/flagz', { part: 'refusal', headers: { accept: 'application/json;v=v1alpha1;g=config.k8s.io;as=Flagz' } }), get('flags as anything else', '/flagz', { headers: { accept: 'application/json' } }),
];
