// The road to aggregated API servers (contract: api/aggregation.ts): the APIService's Service resolved to a ready pod, TLS that names and verifies
// `name.namespace.svc`, the front proxy's certificate, and the user in headers that only the holder of that certificate is believed.
import type { ClientRequest, OutgoingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { checkServerIdentity } from 'node:tls';
import type { Random } from '../base/random.ts';
import type { AggregatedServers, RemoteAnswer, RemoteApi } from '../api/aggregation.ts';
import type { UserInfo } from '../api/user.ts';
import type { APIService } from '../kinds/generated/api-types.ts';
import { goProblem } from './go-errors.ts';
import { serviceEndpoint, type ObjectSource } from './service-endpoint.ts';

export interface AggregatedServersOptions {
  /** Where APIServices, Services and EndpointSlices are read. */
  source: ObjectSource;
  /** The front proxy's, as it is now. */
  identity(): { cert: string; key: string };
  random: Random;
}

const APISERVICES = { group: 'apiregistration.k8s.io', resource: 'apiservices' };
const HTTPS_PORT = 443;
const IDLE_MS = 60_000;
const IDLE_MAX = 4;
const DOCUMENT_MAX_BYTES = 32 * 1024 * 1024;

export function createAggregatedServers({ source, identity, random }: AggregatedServersOptions): AggregatedServers & { close(): void } {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: IDLE_MAX, timeout: IDLE_MS });
  const read = (name: string): APIService | undefined => source.get(APISERVICES, { namespace: '', name }) as APIService | undefined;
  const servers: AggregatedServers = {
    find(group, version) {
      const object = read(`${version}.${group}`);
      return object === undefined ? undefined : remoteOf(object);
    },
    all() {
      const found: RemoteApi[] = [];
      source.list(APISERVICES, {
        visit(object) {
          const remote = remoteOf(object as APIService);
          if (remote !== undefined) found.push(remote);
          return true;
        },
      });
      return found;
    },
    open(api, user, { method, path, headers }) {
      const { service, caBundle = '', insecureSkipTLSVerify = false } = read(api.name)?.spec ?? {};
      if (service === undefined) throw new Error(`APIService ${JSON.stringify(api.name)} has no service`);
      const { name = '', namespace = '', port = HTTPS_PORT } = service;
      const serverName = `${name}.${namespace}.svc`;
      const { host, port: targetPort } = serviceEndpoint(source, { namespace, name, port }, random);
      return httpsRequest({
        host, port: targetPort, method, path, agent, servername: serverName, ...identity(),
        headers: { ...withoutProxyHeaders(headers), ...userHeaders(user), host: serverName },
        ...(insecureSkipTLSVerify ? { rejectUnauthorized: false } : { ...(caBundle !== '' && { ca: Buffer.from(caBundle, 'base64').toString() }), checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate) }),
      });
    },
    get: (api, user, path, { accept, timeoutMs }) => answerOf(servers.open(api, user, { method: 'GET', path, headers: { accept } }), timeoutMs),
  };
  return { ...servers, close: () => agent.destroy() };
}

function remoteOf({ metadata, spec, status }: APIService): RemoteApi | undefined {
  if (spec?.service === undefined) return undefined;
  const available = status?.conditions?.some(({ type, status: holds }) => type === 'Available' && holds === 'True') === true;
  return { name: metadata.name, group: spec.group ?? '', version: spec.version ?? '', groupPriority: spec.groupPriorityMinimum, versionPriority: spec.versionPriority, available };
}

function withoutProxyHeaders(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.toLowerCase().startsWith('x-remote-')));
}

function userHeaders({ username, groups, uid, extra = {} }: UserInfo): OutgoingHttpHeaders {
  return {
    'x-remote-user': username,
    ...(groups.length > 0 && { 'x-remote-group': [...groups] }),
    ...(uid !== undefined && uid !== '' && { 'x-remote-uid': uid }),
    ...Object.fromEntries(Object.entries(extra).map(([key, values]) => [`x-remote-extra-${encodeURIComponent(key).toLowerCase()}`, [...values]])),
  };
}

function answerOf(outgoing: ClientRequest, timeoutMs: number): Promise<RemoteAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(new Error(goProblem(error), { cause: error }));
    outgoing.setTimeout(timeoutMs, () => outgoing.destroy(new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)')));
    outgoing.on('error', fail);
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > DOCUMENT_MAX_BYTES) outgoing.destroy(new Error(`the answer is longer than ${String(DOCUMENT_MAX_BYTES)} bytes`));
        chunks.push(chunk);
      });
      response.on('error', fail);
      response.on('end', () => resolve({ code: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    outgoing.end();
  });
}
