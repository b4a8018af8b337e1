// Pulls from a real registry onto a real disk.
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createImageStore } from '../../../agents/images/local-image-store.ts';
import { NO_REGISTRIES, parseRegistrySettings } from '../../../agents/images/registry-settings.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { fixtureImages, packRaw, packTree, pushImages, saveArchive } from '../../support/images.ts';
import { startRegistry } from '../../support/registry.ts';
import { until } from '../../support/until.ts';

const registry = await startRegistry();
t.teardown(() => registry.stop());
await pushImages(registry.url);

function freshStore(t: { teardown(run: () => void): void }, options: { registries?: ReturnType<typeof parseRegistrySettings>; dataDir?: string } = {}) {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), `skiff-images-${String(process.pid)}-`));
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }));
  return { dataDir, store: createImageStore({ dataDir, registries: options.registries ?? NO_REGISTRIES, clock: systemClock, log: silentLog }) };
}

t.test('an image is pulled, found by tag, digest and id, and its layers are unpacked', async (t) => {
  const { store, dataDir } = freshStore(t);
  const [one, two] = await Promise.all([store.pull(`${registry.address}/web:1`, []), store.pull(`${registry.address}/web:1`, [])]);
  t.equal(one.id, two.id);
  t.same(one.tags, [`${registry.address}/web:1`]);
  t.match(one.digests[0], new RegExp(`^${registry.address}/web@sha256:`));
  t.ok(one.sizeBytes > 500_000, 'counts unpacked bytes');
  for (const name of [one.id, one.tags[0] ?? '', one.digests[0] ?? '']) t.equal(store.find(name)?.id, one.id);
  const [base = '', top = ''] = store.layers(one.id);
  t.ok(existsSync(join(base, 'bin/busybox')));
  t.equal(readFileSync(join(top, 'etc/web-version'), 'utf8'), '1\n');
  const again = createImageStore({ dataDir, clock: systemClock, log: silentLog });
  await again.start();
  t.equal(again.find(one.id)?.id, one.id, 'is there after a restart');
});

t.test('indexes and zstd layers', async (t) => {
  const { store } = freshStore(t);
  t.same((await store.pull(`${registry.address}/busybox:1`, [])).config.cmd, ['sh']);
  t.equal((await store.pull(`${registry.address}/nonroot:1`, [])).config.user, '1234');
});

t.test('whiteouts become overlay whiteouts', async (t) => {
  const { store } = freshStore(t);
  const [, top = ''] = store.layers((await store.pull(`${registry.address}/whiteout:1`, [])).id);
  const gone = lstatSync(join(top, 'gone'));
  t.ok(gone.isCharacterDevice() && gone.rdev === 0);
  t.same(readdirSync(join(top, 'opaque')), ['new']);
});

t.test('a mirror of docker.io with a rewrite', async (t) => {
  const registries = parseRegistrySettings({ mirrors: { 'docker.io': { endpoint: ['http://127.0.0.1:1', registry.url], rewrite: { '^library/(.*)': '$1' } } } });
  const { store } = freshStore(t, { registries });
  const image = await store.pull('busybox:1', []);
  t.same(image.tags, ['docker.io/library/busybox:1']);
});

t.test('what is not there, and names that are none', async (t) => {
  const { store } = freshStore(t);
  t.match(await store.pull(`${registry.address}/nothing:1`, []).catch((error: unknown) => error), { reason: 'ErrImagePull', message: /not found/ });
  t.match(await store.pull('127.0.0.1:1/nothing:1', []).catch((error: unknown) => error), { reason: 'RegistryUnavailable' });
  t.match(await store.pull('Bad Name', []).catch((error: unknown) => error), { reason: 'InvalidImageName' });
});

t.test('hostile layers are refused and leave nothing', async (t) => {
  const outside = join(tmpdir(), `skiff-escape-${String(process.pid)}`);
  await pushImages(registry.url, [
    { name: 'hostile:dots', layers: [{ tar: packRaw([{ name: `../../../../../../..${outside}`, type: '0' }]) }] },
    { name: 'hostile:link', layers: [{ tar: packRaw([{ name: 'here', type: '2', link: tmpdir() }, { name: `here/skiff-escape-${String(process.pid)}`, type: '0' }]) }] },
  ]);
  const { store, dataDir } = freshStore(t);
  t.match(await store.pull(`${registry.address}/hostile:dots`, []).catch((error: unknown) => error), { reason: 'ErrImagePull' });
  await store.pull(`${registry.address}/hostile:link`, []).catch(() => {});
  t.notOk(existsSync(outside));
  t.notOk(readdirSync(join(dataDir, 'agent/images/layers')).some((name) => name.endsWith('.tmp')));
});

t.test('removing an image keeps layers that others use', async (t) => {
  const { store } = freshStore(t);
  const [web1, web2] = [await store.pull(`${registry.address}/web:1`, []), await store.pull(`${registry.address}/web:2`, [])];
  const [shared = '', own = ''] = store.layers(web1.id);
  await store.remove(web1.id);
  t.ok(existsSync(own), 'held layers stay');
  store.release(web1.id);
  await t.resolves(store.remove(web1.id));
  t.ok(existsSync(shared));
  t.same(store.list().map(({ id }) => id), [web2.id]);
});

t.test('an image removed while a container runs on it keeps its layers over a restart, until the container goes', async (t) => {
  const { store, dataDir } = freshStore(t);
  const [web1, web2] = [await store.pull(`${registry.address}/web:1`, []), await store.pull(`${registry.address}/web:2`, [])];
  const [, own = ''] = store.layers(web1.id);
  store.layers(web2.id);
  await Promise.all([store.remove(web1.id), store.remove(web2.id)]);
  const again = createImageStore({ dataDir, clock: systemClock, log: silentLog });
  await again.start();
  t.ok(existsSync(own));
  t.same(again.list(), []);
  t.same(again.layers(web1.id)[1], own, 'the container is adopted');
  again.release(web1.id);
  const third = createImageStore({ dataDir, clock: systemClock, log: silentLog });
  await third.start();
  await until(() => readdirSync(join(dataDir, 'agent/images/layers')).length === 0, 'those to go that nobody took up again');
});

t.test('an archive in the folder is imported at start, and pinned', async (t) => {
  const { store, dataDir } = freshStore(t);
  writeFileSync(join(dataDir, 'agent/images/mine.tar'), saveArchive({ name: 'mine:1', layers: [{ tar: packTree({ 'a/b': { text: 'x' } }) }], config: { Cmd: ['x'] } }));
  await store.start();
  t.match(store.find('mine:1'), { pinned: true, tags: ['docker.io/library/mine:1'], config: { cmd: ['x'] } });
  t.equal(fixtureImages().length, 6);
});
