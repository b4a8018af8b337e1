// Admission webhooks over real HTTPS: what they are asked, what becomes of their answers, and what of the failure to get one.
import t from 'tap';
import { CONFIGMAPS, HORIZONTALPODAUTOSCALERS_AUTOSCALING_V1, MUTATINGWEBHOOKCONFIGURATIONS, NAMESPACES, REPLICATIONCONTROLLERS, VALIDATINGWEBHOOKCONFIGURATIONS } from '../../../internal/kinds/generated/resources.ts';
import { startApiServer, type TestApiServer } from '../../support/api-server.ts';
import { failureOf } from '../../support/failure.ts';
import { denyReply, patchReply, startWebhookServer, type WebhookServer } from '../../support/webhook-server.ts';

const SERVICE = { namespace: 'hooks', name: 'hook' };
const RULE = { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'], scope: '*' };

interface Scene {
  server: TestApiServer;
  hook: WebhookServer;
  configure(type: 'mutating' | 'validating', name: string, ...webhooks: object[]): Promise<void>;
  clear(): Promise<void>;
}

async function scene(): Promise<Scene> {
  const server = await startApiServer();
  const hook = await startWebhookServer(['hook.hooks.svc']);
  for (const name of ['hooks', 'web']) await server.admin.create(NAMESPACES, { metadata: { name } } as never);
  await hook.serve(server.store, SERVICE);
  const resourceOf = (type: string): typeof MUTATINGWEBHOOKCONFIGURATIONS => (type === 'mutating' ? MUTATINGWEBHOOKCONFIGURATIONS : VALIDATINGWEBHOOKCONFIGURATIONS) as never;
  return {
    server, hook,
    async configure(type, name, ...webhooks) {
      const whole = webhooks.map((webhook, index) => ({ name: `hook-${String(index)}.example.com`, admissionReviewVersions: ['v1'], sideEffects: 'None', rules: [RULE], clientConfig: client(hook, '/'), ...webhook }));
      await server.admin.create(resourceOf(type), { metadata: { name }, webhooks: whole } as never);
    },
    async clear() {
      for (const type of ['mutating', 'validating']) await server.admin.deleteAll(resourceOf(type), {});
      hook.replies.clear();
      hook.asked.length = 0;
    },
  };
}

function client({ caBundle }: WebhookServer, path: string): object {
  return { service: { ...SERVICE, path }, caBundle };
}

const s = await scene();
const { server: { admin, store }, hook } = s;
t.teardown(async () => {
  await hook.close();
  await s.server.remove();
});
t.afterEach(() => s.clear());
let count = 0;
const configMap = (fields: object = {}): never => ({ metadata: { name: `one-${String(++count)}`, namespace: 'web', ...fields }, data: { a: '1' } }) as never;

t.test('what a webhook is asked', async (t) => {
  await s.configure('validating', 'ask', { clientConfig: client(hook, '/ask') });
  const made = await admin.create(CONFIGMAPS, configMap({ labels: { x: 'y' } }), { fieldManager: 'me' });
  const { name } = made.metadata;
  await admin.delete(CONFIGMAPS, { namespace: 'web', name });
  const [create, deletion] = hook.asked;
  t.equal(create?.url, '/ask?timeout=10s');
  const { uid, object, ...rest } = (create?.review.request ?? {}) as unknown as { uid: string; object: { kind: string; apiVersion: string; data: object } };
  t.match(uid, /^[0-9a-f-]{36}$/);
  t.match(object, { kind: 'ConfigMap', apiVersion: 'v1', data: { a: '1' }, metadata: { name, uid: String } });
  const gvr = { group: '', version: 'v1', resource: 'configmaps' };
  const gvk = { group: '', version: 'v1', kind: 'ConfigMap' };
  t.strictSame(rest, {
    kind: gvk, resource: gvr, requestKind: gvk, requestResource: gvr, name, namespace: 'web', operation: 'CREATE', userInfo: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
    oldObject: null, dryRun: false, options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me' },
  });
  t.match(deletion?.review.request, { operation: 'DELETE', object: null, oldObject: { metadata: { name } }, options: { kind: 'DeleteOptions' } });
});

t.test('patches are applied in order, then defaults and pruning; nobody owns what webhooks changed', async (t) => {
  await s.configure('mutating', 'b-second', { clientConfig: client(hook, '/second') });
  await s.configure('mutating', 'a-first', { clientConfig: client(hook, '/first') });
  hook.replies.set('/first', () => patchReply({ op: 'add', path: '/data/first', value: 'yes' }, { op: 'add', path: '/nonsense', value: 1 }));
  hook.replies.set('/second', ({ request: { object } }) => ((object as unknown as { data: Record<string, string> }).data['first'] === 'yes' ? patchReply({ op: 'add', path: '/data/second', value: 'yes' }) : { response: { allowed: true } }));
  const made = await admin.create(CONFIGMAPS, configMap(), { fieldManager: 'me' });
  t.strictSame(made.data, { a: '1', first: 'yes', second: 'yes' });
  t.notOk('nonsense' in made);
  t.strictSame(made.metadata.managedFields?.map(({ manager, fieldsV1 }) => ({ manager, fieldsV1 })), [{ manager: 'me', fieldsV1: { 'f:data': { '.': {}, 'f:a': {} } } }]);
  t.strictSame(hook.asked.map(({ url }) => url), ['/first?timeout=10s', '/second?timeout=10s']);
});

t.test('a webhook that asks for it sees what later ones changed', async (t) => {
  await s.configure('mutating', 'a', { clientConfig: client(hook, '/again'), reinvocationPolicy: 'IfNeeded' }, { clientConfig: client(hook, '/once') });
  hook.replies.set('/once', () => patchReply({ op: 'add', path: '/data/late', value: 'x' }));
  await admin.create(CONFIGMAPS, configMap());
  t.strictSame(hook.asked.map(({ url }) => url.split('?')[0]), ['/again', '/once', '/again']);
  t.match(hook.asked[2]?.review.request.object, { data: { a: '1', late: 'x' } });
});

t.test('refusals carry the webhook\'s own status', async (t) => {
  const cases: [status: object | undefined, expected: object][] = [
    [undefined, { code: 400, shownReason: '', message: 'admission webhook "hook-0.example.com" denied the request without explanation' }],
    [{ message: 'no teapots', code: 418, reason: 'Teapot' }, { code: 418, shownReason: 'Teapot', message: 'admission webhook "hook-0.example.com" denied the request: no teapots' }],
    [{ reason: 'NotFound', code: 200 }, { code: 400, reason: 'NotFound', message: 'admission webhook "hook-0.example.com" denied the request: NotFound' }],
  ];
  for (const type of ['mutating', 'validating'] as const) {
    await s.configure(type, type, { clientConfig: client(hook, '/deny') });
    for (const [status, expected] of cases) {
      hook.replies.set('/deny', () => denyReply(status));
      t.match(await failureOf(() => admin.create(CONFIGMAPS, configMap())), expected, `${type} ${JSON.stringify(status)}`);
    }
    await s.clear();
  }
});

t.test('a call that fails is refused or ignored, in upstream\'s words', async (t) => {
  const post = 'failed calling webhook "hook-0.example.com": failed to call webhook: Post "https://hook.hooks.svc:443/f?timeout=30s": ';
  const other = await startWebhookServer(['else.where.svc']);
  t.teardown(() => other.close());
  await other.serve(store, { namespace: 'hooks', name: 'named-otherwise' });
  await s.server.admin.create({ ...NAMESPACES }, { metadata: { name: 'empty' } } as never);
  const cases: [name: string, fields: object, reply: () => never, expected: string][] = [
    ['unknown CA', { clientConfig: { service: { ...SERVICE, path: '/f' }, caBundle: other.caBundle } }, () => undefined as never, `${post}tls: failed to verify certificate: x509: certificate signed by unknown authority`],
    ['no CA', { clientConfig: { service: { ...SERVICE, path: '/f' } } }, () => undefined as never, `${post}tls: failed to verify certificate: x509: certificate signed by unknown authority`],
    ['other name', { clientConfig: { service: { namespace: 'hooks', name: 'named-otherwise', path: '/f' }, caBundle: other.caBundle } }, () => undefined as never, `${post.replace('hook.hooks', 'named-otherwise.hooks')}tls: failed to verify certificate: x509: certificate is valid for else.where.svc, not named-otherwise.hooks.svc`],
    ['no service', { clientConfig: { service: { namespace: 'hooks', name: 'none', path: '/f' } } }, () => undefined as never, `${post.replace('hook.hooks', 'none.hooks')}service "none" not found`],
    ['no port', { clientConfig: { service: { ...SERVICE, path: '/f', port: 80 } } }, () => undefined as never, `${post.replace(':443', ':80')}no service port 80 found for service "hook"`],
    ['nobody listens', { clientConfig: { url: 'https://127.0.0.1:1/f' } }, () => undefined as never, `${post.replace('hook.hooks.svc:443', '127.0.0.1:1')}dial tcp 127.0.0.1:1: connect: connection refused`],
    ['silence', { timeoutSeconds: 1 }, () => 'silence' as never, `${post.replace('30s', '1s')}context deadline exceeded`],
    ['500', {}, () => ({ text: 'broken', code: 500 }) as never, 'failed calling webhook "hook-0.example.com": failed to call webhook: an error on the server ("broken") has prevented the request from succeeding'],
    ['404', {}, () => ({ text: 'none', code: 404 }) as never, 'failed calling webhook "hook-0.example.com": failed to call webhook: the server could not find the requested resource'],
    ['no response', {}, () => ({ text: '{}' }) as never, 'failed calling webhook "hook-0.example.com": received invalid webhook response: webhook response was absent'],
    ['patch of a validating webhook', {}, () => patchReply({}) as never, 'failed calling webhook "hook-0.example.com": received invalid webhook response: validating webhook may not return response.patch'],
    ['wrong version', {}, () => ({ apiVersion: 'admission.k8s.io/v1beta1', response: { allowed: true } }) as never, 'failed calling webhook "hook-0.example.com": received invalid webhook response: expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got admission.k8s.io/v1beta1, Kind=AdmissionReview'],
  ];
  for (const [name, fields, reply, expected] of cases) {
    for (const failurePolicy of ['Fail', 'Ignore']) {
      await s.configure('validating', 'fails', { clientConfig: client(hook, '/f'), timeoutSeconds: 30, failurePolicy, ...fields });
      hook.replies.set('/f', reply);
      const error = await failureOf(() => admin.create(CONFIGMAPS, configMap()));
      if (failurePolicy === 'Ignore') t.equal(error, undefined, `${name}, ignored`);
      else t.match(error, { message: `Internal error occurred: ${expected}`, code: 500, reason: 'InternalError' }, name);
      await s.clear();
    }
  }
});

t.test('who is asked', async (t) => {
  const rows: [name: string, webhook: object, asked: boolean][] = [
    ['rule of another group', { rules: [{ ...RULE, apiGroups: ['apps'] }] }, false],
    ['rule of another version', { rules: [{ ...RULE, apiVersions: ['v2'] }] }, false],
    ['everything', { rules: [{ ...RULE, apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }] }, true],
    ['only subresources', { rules: [{ ...RULE, resources: ['configmaps/status'] }] }, false],
    ['updates only', { rules: [{ ...RULE, operations: ['UPDATE'] }] }, false],
    ['cluster scope', { rules: [{ ...RULE, scope: 'Cluster' }] }, false],
    ['namespaced', { rules: [{ ...RULE, scope: 'Namespaced' }] }, true],
    ['its namespace', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'web' } } }, true],
    ['another namespace', { namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['web'] }] } }, false],
    ['labelled', { objectSelector: { matchLabels: { x: 'y' } } }, true],
    ['labelled otherwise', { objectSelector: { matchLabels: { x: 'z' } } }, false],
  ];
  for (const [name, webhook, asked] of rows) {
    await s.configure('validating', 'who', webhook);
    await admin.create(CONFIGMAPS, configMap({ labels: { x: 'y' } }));
    t.equal(hook.asked.length > 0, asked, name);
    await s.clear();
  }
});

t.test('an equivalent version is converted to what the rule names', async (t) => {
  await s.configure('mutating', 'equivalent', { clientConfig: client(hook, '/v2'), rules: [{ ...RULE, apiGroups: ['autoscaling'], apiVersions: ['v2'], resources: ['horizontalpodautoscalers'] }] });
  hook.replies.set('/v2', ({ request: { object } }) => ((object as { spec: { metrics: unknown[] } }).spec.metrics.length > 0 ? patchReply({ op: 'replace', path: '/spec/maxReplicas', value: 7 }) : denyReply()));
  const spec = { scaleTargetRef: { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' }, maxReplicas: 3, targetCPUUtilizationPercentage: 50 };
  const made = await admin.create(HORIZONTALPODAUTOSCALERS_AUTOSCALING_V1, { metadata: { name: 'web', namespace: 'web' }, spec } as never);
  t.match(made, { apiVersion: 'autoscaling/v1', spec: { maxReplicas: 7, targetCPUUtilizationPercentage: 50 } });
  t.match(hook.asked[0]?.review.request, { kind: { version: 'v2' }, resource: { version: 'v2' }, requestKind: { version: 'v1' }, requestResource: { version: 'v1' } });
});

t.test('a scale is seen as a Scale', async (t) => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  await admin.create(REPLICATIONCONTROLLERS, { metadata: { name: 'rc', namespace: 'web' }, spec: { replicas: 1, selector: { a: 'b' }, template } } as never);
  await s.configure('mutating', 'scale', { clientConfig: client(hook, '/scale'), rules: [{ ...RULE, resources: ['replicationcontrollers/scale'] }] });
  hook.replies.set('/scale', () => patchReply({ op: 'replace', path: '/spec/replicas', value: 4 }));
  await admin.patch(REPLICATIONCONTROLLERS, { namespace: 'web', name: 'rc' }, { type: 'merge', body: { spec: { replicas: 2 } } }, { subresource: 'scale' });
  t.match(hook.asked[0]?.review.request, { kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, subResource: 'scale', operation: 'UPDATE', object: { spec: { replicas: 2 } }, oldObject: { spec: { replicas: 1 } } });
  t.match(await admin.get(REPLICATIONCONTROLLERS, { namespace: 'web', name: 'rc' }), { spec: { replicas: 4 } });
});

t.test('configurations of admission are admitted without it', async (t) => {
  const everything = [{ ...RULE, apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }];
  await s.configure('validating', 'all', { clientConfig: client(hook, '/deny'), rules: everything });
  hook.replies.set('/deny', () => denyReply());
  await s.configure('mutating', 'other', {});
  await admin.delete(VALIDATINGWEBHOOKCONFIGURATIONS, { namespace: '', name: 'all' });
  t.equal(hook.asked.length, 0);
});

t.test('v1beta1 reviews, warnings, dry run', async (t) => {
  await s.configure('mutating', 'old', { clientConfig: client(hook, '/old'), admissionReviewVersions: ['v2', 'v1beta1'] });
  hook.replies.set('/old', () => ({ response: { uid: '', allowed: true, patch: Buffer.from('[{"op":"add","path":"/data/b","value":"2"}]').toString('base64') } }));
  const made = await admin.create(CONFIGMAPS, configMap(), { dryRun: true });
  t.strictSame(made.data, { a: '1', b: '2' });
  t.match(hook.asked[0]?.review, { apiVersion: 'admission.k8s.io/v1beta1', request: { dryRun: true, options: { dryRun: ['All'] } } });
});
