// What answers requests, as yet without a socket: the store, the kinds, who asks and who may, and the pipeline over them.
import { join } from 'node:path';
import { systemClock } from '../internal/base/clock.ts';
import type { Component } from '../internal/base/component.ts';
import type { Log } from '../internal/base/log.ts';
import { systemRandom } from '../internal/base/random.ts';
import { messageOf } from '../internal/base/errors.ts';
import { loadSchemas, type Schemas } from '../internal/api/schema.ts';
import { AUTHENTICATED_GROUP, MASTERS_GROUP, type UserInfo } from '../internal/api/user.ts';
import { createAdmission } from '../internal/admission/index.ts';
import { createAuthenticator, type Authenticator } from '../internal/authn/authenticator.ts';
import { createBootstrapTokens } from '../internal/authn/bootstrap-tokens.ts';
import { createTokenIssuer, type TokenIssuer } from '../internal/authn/service-account-tokens.ts';
import { createAuthorizer } from '../internal/authz/authorizer.ts';
import { createCallout } from '../internal/client/callout.ts';
import { createClient } from '../internal/client/typed-client.ts';
import type { Client } from '../internal/client/client.ts';
import type { Authority } from '../internal/cluster/authority.ts';
import { FRONT_PROXY_NAMES } from '../internal/cluster/front-proxy.ts';
import { createPipeline, type Pipeline } from '../internal/http/pipeline.ts';
import { createLocalViews } from '../internal/informer/local-views.ts';
import type { Views } from '../internal/informer/view.ts';
import { loadKinds, type Kinds } from '../internal/kinds/index.ts';
import { SECRETS } from '../internal/kinds/generated/resources.ts';
import { createServiceAllocator } from '../internal/registry/allocators/service-allocator.ts';
import { createRegistry } from '../internal/registry/generic-registry.ts';
import type { Store } from '../internal/store/store.ts';
import { openSqliteStore } from '../internal/store/sqlite.ts';
import { portRange } from './addresses.ts';
import { configuredAudit } from './audit.ts';
import { configuredAuthentication } from './authentication.ts';
import type { Settings } from './flags.ts';

export interface ApiCore {
  store: Store;
  kinds: Kinds;
  schemas: Schemas;
  views: Views;
  tokens: TokenIssuer;
  authenticator: Authenticator;
  callout: ReturnType<typeof createCallout>;
  pipeline: Pipeline;
  /** What writes the audit log; absent: nothing is audited. */
  auditing: Component | undefined;
  /** A client that speaks for a user, down the same road as everyone's. */
  clientOf(user: UserInfo): Client;
}

/** The server itself. */
export const LOOPBACK_USER: UserInfo = { username: 'system:apiserver', groups: [MASTERS_GROUP, AUTHENTICATED_GROUP] };
const ISSUER = 'https://kubernetes.default.svc';

export async function openApiCore(settings: Settings, { authority, log }: { authority: Authority; log: Log }): Promise<ApiCore> {
  const [clock, random] = [systemClock, systemRandom];
  const store = await openSqliteStore({ path: join(settings['data-dir'], 'server/db/state.db'), clock });
  const schemas = loadSchemas();
  const kinds = loadKinds(schemas);
  const views = createLocalViews(store);
  const services = createServiceAllocator({ store, random, serviceCidr: settings['service-cidr'][0] ?? '', nodePorts: portRange(settings['service-node-port-range']) });
  const registry = createRegistry({ store, schemas, clock, random, hooks: { '/services': services } });
  const tokens = createTokenIssuer({
    privateKeyPem: authority.serviceAccountKey, issuer: `${ISSUER}.${settings['cluster-domain']}`, clock, random, store,
    labelSecret: (secret, labels) => labelUsedSecret(clientOf(LOOPBACK_USER), log, { secret, labels }),
  });
  const auditing = await configuredAudit(settings, { clock, random, log });
  const configured = await configuredAuthentication(settings, { issuer: tokens.issuer, clock, log });
  const authenticator = createAuthenticator({
    clock,
    authorities: { clientCa: authority.clientCa.certificate, requestHeaderCa: authority.requestHeaderCa.certificate, proxyNames: FRONT_PROXY_NAMES },
    ...(configured !== undefined && { anonymous: configured.anonymous }),
    tokens: [(token) => tokens.verify(token), createBootstrapTokens({ store, clock }), ...(configured?.tokens ?? [])],
  });
  const authorizer = createAuthorizer(store);
  const callout = createCallout({ source: store, clock, random });
  const admission = createAdmission({ store, kinds, schemas, authorizer, clock, random, callout });
  const pipeline = createPipeline({ registry, store, kinds, schemas, authorizer, admission, clock, tokens, identify: (token) => authenticator.identify(token), ...(auditing !== undefined && { audit: auditing.audit }) });
  const clientOf = (user: UserInfo): Client => createClient(pipeline.as(user));
  return { store, kinds, schemas, views, tokens, authenticator, callout, pipeline, auditing: auditing?.component, clientOf };
}

function labelUsedSecret(client: Client, log: Log, { secret: { namespace, name, uid }, labels }: { secret: { namespace: string; name: string; uid: string }; labels: Record<string, string> }): void {
  client.patch(SECRETS, { namespace, name }, { type: 'merge', body: { metadata: { uid, labels } } }).catch((error: unknown) => log.warn('the use of a Secret\'s token was not written down', { secret: `${namespace}/${name}`, error: messageOf(error) }));
}
