// The options of a connection (PodExecOptions, ServiceProxyOptions, …) as an object, out of its query: what admission is shown of it.
import { apiVersionOf, type GroupVersionKind, type KubeObject } from '../api/meta.ts';
import type { Schemas } from '../api/schema.ts';
import type { RequestInfo } from './route.ts';

export function connectOptions({ group, version, kind }: GroupVersionKind, { info, query, schemas }: { info: RequestInfo; query: URLSearchParams | undefined; schemas: Schemas }): KubeObject {
  const fields: Record<string, unknown> = {};
  const asked = query ?? new URLSearchParams();
  for (const name of new Set(asked.keys())) fields[name] = valueOf(asked.getAll(name), name);
  if (info.subresource === 'proxy' && info.rest.length > 0) fields['path'] = `/${info.rest.join('/')}`;
  const known = schemas.byKind(group, version, kind)?.fields;
  for (const name of Object.keys(fields)) if (known !== undefined && !known.has(name)) delete fields[name];
  return { kind, apiVersion: apiVersionOf(group, version), ...fields } as unknown as KubeObject;
}

const FLAGS: ReadonlySet<string> = new Set(['stdin', 'stdout', 'stderr', 'tty']);

function valueOf(values: readonly string[], name: string): unknown {
  if (name === 'command') return values;
  if (name === 'ports') return values.flatMap((value) => value.split(',').map(Number));
  const [value = ''] = values;
  return FLAGS.has(name) ? ['true', '1', ''].includes(value) : value;
}
