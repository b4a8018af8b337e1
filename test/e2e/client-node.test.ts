// Upstream's own JavaScript client against the API server: create, read, list, patch, delete, watch that goes on over a restart, informer.
// Runs without a node; exec and log follow stand in kubectl-session.test.ts, where pods run.
import { CoreV1Api, KubeConfig, ListWatch, makeInformer, setHeaderOptions, PatchStrategy, Watch, type V1ConfigMap } from '@kubernetes/client-node';
import t from 'tap';
import { startControlPlane } from '../support/control-plane.ts';

const NAMESPACE = 'client-node';
let server = await startControlPlane();
t.teardown(() => server.remove());
const config = new KubeConfig();
config.loadFromString(server.kubeconfig);
const core = config.makeApiClient(CoreV1Api);
await core.createNamespace({ body: { metadata: { name: NAMESPACE } } });

const configMap = (name: string, data: Record<string, string> = {}): V1ConfigMap => ({ metadata: { name, labels: { app: 'test' } }, data });
const create = (name: string, data?: Record<string, string>): Promise<V1ConfigMap> => core.createNamespacedConfigMap({ namespace: NAMESPACE, body: configMap(name, data) });

await t.test('objects are created, read, listed, patched, replaced and deleted', async (t) => {
  const created = await create('one', { a: '1' });
  t.match(created, { metadata: { name: 'one', namespace: NAMESPACE, uid: String }, data: { a: '1' } });
  t.ok(created.metadata?.creationTimestamp instanceof Date, 'times are times');
  const read = await core.readNamespacedConfigMap({ namespace: NAMESPACE, name: 'one' });
  t.equal(read.metadata?.resourceVersion, created.metadata?.resourceVersion);
  const list = await core.listNamespacedConfigMap({ namespace: NAMESPACE, labelSelector: 'app=test' });
  t.same(list.items.map(({ metadata }) => metadata?.name), ['one']);
  const patched = await core.patchNamespacedConfigMap({ namespace: NAMESPACE, name: 'one', body: { data: { b: '2' } } }, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
  t.same(patched.data, { a: '1', b: '2' });
  const replaced = await core.replaceNamespacedConfigMap({ namespace: NAMESPACE, name: 'one', body: { metadata: patched.metadata ?? {}, data: { c: '3' } } });
  t.same(replaced.data, { c: '3' });
  await t.rejects(core.replaceNamespacedConfigMap({ namespace: NAMESPACE, name: 'one', body: { metadata: created.metadata ?? {}, data: {} } }), { code: 409 }, 'a stale state is refused');
  t.match(await core.deleteNamespacedConfigMap({ namespace: NAMESPACE, name: 'one' }), { status: 'Success' });
  await t.rejects(core.readNamespacedConfigMap({ namespace: NAMESPACE, name: 'one' }), { code: 404 });
});

await t.test('a page after the other gives every object once', async (t) => {
  for (let index = 0; index < 5; index++) await create(`page-${String(index)}`);
  const names: string[] = [];
  let more: string | undefined;
  do {
    const page = await core.listNamespacedConfigMap({ namespace: NAMESPACE, limit: 2, ...(more !== undefined && { _continue: more }) });
    names.push(...page.items.map(({ metadata }) => metadata?.name ?? ''));
    more = page.metadata?._continue;
  } while (more !== undefined && more !== '');
  t.same(names, ['page-0', 'page-1', 'page-2', 'page-3', 'page-4']);
});

await t.test('a watch sees each change in order', async (t) => {
  const seen: string[] = [];
  let done = (): void => {};
  const all = new Promise<void>((resolve) => (done = resolve));
  const { metadata } = await core.listNamespacedConfigMap({ namespace: NAMESPACE });
  const watch = await new Watch(config).watch(`/api/v1/namespaces/${NAMESPACE}/configmaps`, { resourceVersion: metadata?.resourceVersion }, (type, object: V1ConfigMap) => {
    seen.push(`${type} ${object.metadata?.name ?? ''}`);
    if (type === 'DELETED') done();
  }, () => {});
  await create('seen');
  await core.patchNamespacedConfigMap({ namespace: NAMESPACE, name: 'seen', body: { data: { a: '1' } } }, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
  await core.deleteNamespacedConfigMap({ namespace: NAMESPACE, name: 'seen' });
  await all;
  watch.abort();
  t.same(seen, ['ADDED seen', 'MODIFIED seen', 'DELETED seen']);
});

await t.test('an informer goes on where it was when the server comes back', async (t) => {
  const listed = (): Promise<Awaited<ReturnType<typeof core.listNamespacedConfigMap>>> => core.listNamespacedConfigMap({ namespace: NAMESPACE });
  const informer = makeInformer(config, `/api/v1/namespaces/${NAMESPACE}/configmaps`, listed) as ListWatch<V1ConfigMap>;
  const awaiting = new Map<string, () => void>();
  const added = (name: string): Promise<void> => new Promise((resolve) => awaiting.set(name, resolve));
  informer.on('add', ({ metadata }) => awaiting.get(metadata?.name ?? '')?.());
  // The client stops at an error; its users start it again, as its own examples do.
  const broken = new Promise<void>((resolve) => informer.on('error', () => resolve()));
  const before = added('before');
  await informer.start();
  await create('before');
  await before;
  const { port, directory } = server;
  await server.stop();
  await broken;
  server = await startControlPlane({ port, directory });
  const after = added('after');
  await informer.start();
  await create('after');
  await after;
  const names = informer.list().map(({ metadata }) => metadata?.name);
  t.ok(names.includes('before') && names.includes('after') && names.includes('page-0'), 'nothing was lost over the restart');
  await informer.stop();
});
