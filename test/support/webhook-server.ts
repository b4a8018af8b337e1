// A webhook on loopback: HTTPS with a certificate for a service, what it is asked is kept, what it answers is a function by path.
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { systemRandom } from '../../internal/base/random.ts';
import { createAuthority, issueKeyPair } from '../../internal/cluster/certificate.ts';
import type { Store } from '../../internal/store/store.ts';

export interface Review {
  kind: string;
  apiVersion: string;
  request: { uid: string; operation: string; object: never; oldObject: never; [field: string]: unknown };
}
/** A response (its uid is filled in), raw text, or nothing at all. */
export type Reply = { response: object; apiVersion?: string } | { text: string; code?: number } | 'silence';

export interface WebhookServer {
  port: number;
  caBundle: string;
  /** By path without query. */
  replies: Map<string, (review: Review) => Reply>;
  asked: { url: string; review: Review }[];
  /** Puts a service for it into the store, with this server as its only endpoint. */
  serve(store: Store, service: { namespace: string; name: string }): Promise<void>;
  close(): Promise<void>;
}

const YEAR_MS = 365 * 86_400_000;

/** `host`: where it listens; on loopback unless others are to reach it. */
export async function startWebhookServer(names: readonly string[], host = '127.0.0.1'): Promise<WebhookServer> {
  const [notBefore, notAfter] = [Date.now() - 60_000, Date.now() + YEAR_MS];
  const authority = createAuthority('webhook-ca', { notBefore, notAfter }, systemRandom);
  const { certificate, key } = issueKeyPair(authority, { subject: { commonName: 'webhook' }, names, usages: ['server'], notBefore, notAfter }, systemRandom);
  const replies: WebhookServer['replies'] = new Map();
  const asked: WebhookServer['asked'] = [];
  const server: Server = createServer({ cert: certificate, key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      const url = request.url ?? '';
      const review = JSON.parse(Buffer.concat(chunks).toString()) as Review;
      asked.push({ url, review });
      const reply = replies.get(url.split('?')[0] ?? '')?.(review) ?? { response: { allowed: true } };
      if (reply === 'silence') return;
      if ('text' in reply) return void response.writeHead(reply.code ?? 200, { 'content-type': 'text/plain' }).end(reply.text);
      const { apiVersion = review.apiVersion } = reply;
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ kind: 'AdmissionReview', apiVersion, response: { uid: review.request.uid, ...reply.response } }));
    });
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port, replies, asked,
    caBundle: Buffer.from(authority.certificate).toString('base64'),
    async serve(store, { namespace, name }) {
      const metadata = { name, namespace, uid: name, resourceVersion: '', creationTimestamp: '2026-01-01T00:00:00Z' };
      await store.create({ group: '', resource: 'services' }, { apiVersion: 'v1', kind: 'Service', metadata, spec: { type: 'ClusterIP', ports: [{ port: 443, targetPort: port }] } } as never, 'durable');
      const slice = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }], ports: [{ port }] };
      await store.create({ group: 'discovery.k8s.io', resource: 'endpointslices' }, { ...slice, metadata: { ...metadata, labels: { 'kubernetes.io/service-name': name } } } as never, 'durable');
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A mutating reply. */
export function patchReply(...operations: object[]): Reply {
  return { response: { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') } };
}

export function denyReply(status?: object): Reply {
  return { response: { allowed: false, ...(status !== undefined && { status }) } };
}
