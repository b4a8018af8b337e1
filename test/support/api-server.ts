// A real API server on a real TLS socket over a memory store: no loops, no node. Its port stays the same over stop and start, and what it holds
// stays too, as after a restart of a server.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdmission } from '../../internal/admission/index.ts';
import { loadSchemas } from '../../internal/api/schema.ts';
import { AUTHENTICATED_GROUP, MASTERS_GROUP } from '../../internal/api/user.ts';
import { createAuthenticator } from '../../internal/authn/authenticator.ts';
import { createBootstrapTokens } from '../../internal/authn/bootstrap-tokens.ts';
import { createAuthorizer } from '../../internal/authz/authorizer.ts';
import { bootstrapPolicy } from '../../internal/authz/bootstrap-policy.ts';
import { systemClock, type Clock } from '../../internal/base/clock.ts';
import { silentLog } from '../../internal/base/log.ts';
import { systemRandom } from '../../internal/base/random.ts';
import { createCallout } from '../../internal/client/callout.ts';
import type { Client } from '../../internal/client/client.ts';
import type { TlsCredentials } from '../../internal/client/https-transport.ts';
import { createClient } from '../../internal/client/typed-client.ts';
import { FRONT_PROXY_NAMES } from '../../internal/cluster/front-proxy.ts';
import { openAuthority, type Authority } from '../../internal/cluster/authority.ts';
import type { ExtraPath } from '../../internal/http/non-resources.ts';
import { createLeaves, type Leaf } from '../../internal/cluster/leaves.ts';
import { TUNNEL_PATH } from '../../internal/cluster/tunnel/protocol.ts';
import type { Tunnels } from '../../internal/cluster/tunnel/server.ts';
import type { Audit } from '../../internal/http/audit/trail.ts';
import { createPipeline, type Pipeline } from '../../internal/http/pipeline.ts';
import { createApiServer, type ApiServer } from '../../internal/http/server.ts';
import { loadKinds } from '../../internal/kinds/index.ts';
import { createRegistry } from '../../internal/registry/generic-registry.ts';
import { createMemoryStore } from '../../internal/store/memory.ts';
import type { Store } from '../../internal/store/store.ts';

export interface TestApiServer {
  url: string;
  authority: Authority;
  serving: Leaf;
  store: Store;
  pipeline: Pipeline;
  /** In process, as cluster admin. */
  admin: Client;
  credentials(commonName: string, ...organizations: string[]): Required<TlsCredentials>;
  stop(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

export interface TestApiServerOptions {
  audit?: Audit;
  /** The store's clock; the server itself lives in real time. */
  clock?: Clock;
  leafLifetimeMs?: number;
  tunnels?: Tunnels;
  extraPaths?: (server: Pick<TestApiServer, 'authority' | 'store' | 'admin'>) => readonly ExtraPath[];
}

export async function startApiServer({ clock = systemClock, audit, extraPaths, leafLifetimeMs, tunnels }: TestApiServerOptions = {}): Promise<TestApiServer> {
  const folder = mkdtempSync(join(tmpdir(), `skiff-api-${String(process.pid)}-`));
  const random = systemRandom;
  const authority = openAuthority(folder, { clock: systemClock, random, ...(leafLifetimeMs !== undefined && { leafLifetimeMs }) });
  const leaves = createLeaves({ authority, clock: systemClock, log: silentLog });
  const schemas = loadSchemas();
  const kinds = loadKinds(schemas);
  const store = createMemoryStore({ clock });
  const registry = createRegistry({ store, schemas, clock, random });
  const authorizer = createAuthorizer(store);
  const authenticator = createAuthenticator({ clock: systemClock, authorities: { clientCa: authority.clientCa.certificate, requestHeaderCa: authority.requestHeaderCa.certificate, proxyNames: FRONT_PROXY_NAMES }, tokens: [createBootstrapTokens({ store, clock }), (token) => (token === 'admin-token' ? { username: 'token-admin', groups: [MASTERS_GROUP] } : undefined)] });
  const pipeline = createPipeline({ registry, store, kinds, schemas, authorizer, admission: createAdmission({ store, kinds, schemas, authorizer, clock, random, callout: createCallout({ source: store, clock: systemClock, random }) }), clock, ...(audit !== undefined && { audit }) });
  await bootstrapPolicy(pipeline.options);
  const admin = createClient(pipeline.as({ username: 'admin', groups: [MASTERS_GROUP, AUTHENTICATED_GROUP] }));
  const serving = leaves.hold({ file: 'serving', ca: 'serverCa', subject: { commonName: 'kube-apiserver' }, names: () => ['127.0.0.1', 'localhost'], usages: ['server'] });
  const leafOf = (file: string, commonName: string, organizations: readonly string[]): Required<TlsCredentials> => {
    const { certificate, key } = authority.leaf(file, 'clientCa', { subject: { commonName, organizations }, usages: ['client'] });
    return { ca: authority.serverCa.certificate, cert: certificate, key };
  };
  const extra = extraPaths?.({ authority, store, admin }) ?? [];
  const open = (port: number): ApiServer => createApiServer({
    pipeline, authenticator, clock: systemClock, random, log: silentLog, address: '127.0.0.1', port, version: { gitVersion: 'v1.36.3+skiff1', platform: 'linux/amd64' }, extraPaths: extra,
    tls: { cert: serving.current.certificate, key: serving.current.key, clientCa: authority.clientCa.certificate + authority.requestHeaderCa.certificate },
    dialer: { credentials: () => leafOf('kubelet-client', 'apiserver', [MASTERS_GROUP]), ...(tunnels !== undefined && { tunnel: tunnels.open, tunnelAwaited: tunnels.awaited }) },
    ...(tunnels !== undefined && { extraUpgrades: new Map([[TUNNEL_PATH, (user, client) => tunnels.accept(user, client)]]) }),
  });
  let server = open(0);
  serving.onRenewed(({ certificate, key }) => server.renew({ cert: certificate, key }));
  await leaves.start();
  await server.start();
  const { port } = server;
  let leafCount = 0;
  return {
    url: `https://127.0.0.1:${String(port)}`,
    authority, serving, store, pipeline, admin,
    credentials: (commonName, ...organizations) => leafOf(`leaf-${String(++leafCount)}`, commonName, organizations),
    stop: () => server.stop(),
    async start() {
      server = open(port);
      await server.start();
    },
    async remove() {
      await leaves.stop();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
