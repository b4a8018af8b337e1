// Static pods from a real folder, with their mirrors in the API.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createFileSource } from '../../../agents/kubelet/static-sources.ts';
import { createPods } from '../../../agents/kubelet/pods.ts';
import { NODES, PODS } from '../../../internal/kinds/generated/resources.ts';
import { settle } from '../../support/fake-clock.ts';
import { createScene } from './scene.ts';

const manifest = (image: string): string => `apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: default, labels: {app: web}}\nspec:\n  containers:\n  - {name: main, image: "${image}"}\n`;

t.test('a pod in the folder runs, is mirrored, comes back when its mirror is deleted, and goes with its file', async (t) => {
  const s = await createScene();
  s.pods().stop();
  const folder = join(s.folder, 'manifests');
  mkdirSync(folder);
  writeFileSync(join(folder, 'web.yaml'), manifest('app:1'));
  writeFileSync(join(folder, 'broken.yaml'), 'kind: Service\n');
  const node = await s.client.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, spec: {} });
  const pods = createPods(s.node, { sources: [createFileSource(folder, s.node)], nodeUid: () => node.metadata.uid });
  t.teardown(() => {
    pods.stop();
    s.stop();
  });
  const key = { namespace: 'default', name: 'web-n1' };
  const mirror = () => s.client.get(PODS, key).catch(() => undefined);
  const until = async (reached: () => Promise<boolean>): Promise<void> => {
    while (!await reached()) {
      await settle();
      if (s.clock.nextInMs() !== undefined) await s.clock.runNext();
    }
  };
  pods.start();
  await until(async () => (await mirror())?.status?.phase === 'Running');
  const first = await mirror();
  t.match(first, { metadata: { labels: { app: 'web' }, ownerReferences: [{ kind: 'Node', uid: node.metadata.uid }] }, spec: { nodeName: 'n1', restartPolicy: 'Always' }, status: { containerStatuses: [{ name: 'main', ready: true }] } });
  t.match(first?.metadata.annotations, { 'kubernetes.io/config.source': 'file', 'kubernetes.io/config.mirror': /^[0-9a-f]{32}$/ });
  t.same(s.runtime.running(), ['main']);

  await s.client.delete(PODS, key, { gracePeriodSeconds: 0 });
  await until(async () => ![undefined, first?.metadata.uid].includes((await mirror())?.metadata.uid));
  t.same(s.runtime.running(), ['main'], 'the pod itself goes on');

  s.images.present.add('app:2');
  writeFileSync(join(folder, 'web.yaml'), manifest('app:2'));
  await until(async () => (await mirror())?.status?.containerStatuses?.[0]?.image === 'app:2' && pods.workers().length === 1);
  t.same(s.runtime.running(), ['main'], 'one of them only');

  rmSync(join(folder, 'web.yaml'));
  await until(async () => await mirror() === undefined && pods.workers().length === 0);
  t.same(s.runtime.running(), []);
});
