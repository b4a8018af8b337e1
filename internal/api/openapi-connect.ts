// Operations of subresources that are streams: log, exec, attach, port-forward, proxy.
import type { Operation } from './openapi-operations.ts';
import { TEXT_ANSWER } from './openapi-operations.ts';
import { query, type Parameter } from './openapi-parameters.ts';
import { capital, groupWord, tagOf } from './openapi-names.ts';
import type { ServedResource } from './served-resource.ts';

const LOG = ['container', 'follow', 'insecureSkipTLSVerifyBackend', 'limitBytes', 'previous', 'sinceSeconds', 'stream', 'tailLines', 'timestamps'];
const STREAMS = ['container', 'stderr', 'stdin', 'stdout', 'tty'];
const TAKES: Readonly<Record<string, readonly string[]>> = { exec: ['command', ...STREAMS], attach: STREAMS, portforward: ['ports'], proxy: ['path'] };
const PROXIED: readonly Operation['method'][] = ['delete', 'get', 'head', 'options', 'patch', 'post', 'put'];

export function logOperation(resource: ServedResource): Operation {
  const { group, version, kind } = resource;
  return {
    method: 'get', id: `read${capital(groupWord(group))}${capital(version)}Namespaced${kind}Log`, tag: tagOf(resource), action: 'get', kind: { group, version, kind }, description: `read log of the specified ${kind}`,
    parameters: [...LOG.map((name) => query(name, 'log')), query('pretty')], consumes: ['*/*'], answer: TEXT_ANSWER, codes: [200],
    produces: ['text/plain', 'application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'],
  };
}

export function connectOperations(path: string, { name, group, version, kind }: ServedResource['subresources'][number], resource: ServedResource): Operation[] {
  const parameters = (TAKES[name] ?? []).map((one): Parameter => query(one, name === 'proxy' ? resource.resource : name));
  const scope = resource.namespaced ? 'Namespaced' : '';
  return (name === 'proxy' ? PROXIED : (['get', 'post'] as const)).map((method) => ({
    method, action: 'connect', kind: { group, version, kind }, tag: tagOf(resource), parameters, consumes: ['*/*'], produces: ['*/*'], answer: TEXT_ANSWER, codes: [200],
    id: `connect${capital(groupWord(resource.group))}${capital(resource.version)}${capital(method)}${scope}${resource.kind}${capital(name)}${path.endsWith('{path}') ? 'WithPath' : ''}`,
    description: `connect ${method.toUpperCase()} requests to ${name} of ${resource.kind}`,
  }));
}
