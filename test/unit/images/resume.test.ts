// A pull that broke off goes on where it was, in another life of the node too: from a registry that answers as slowly as the test wants.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createKeptBlobs } from '../../../agents/images/kept-blobs.ts';
import { createImageStore, type LocalImageStore } from '../../../agents/images/local-image-store.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { seeded } from '../../contract/store.ts';
import { buildImage, packTree } from '../../support/images.ts';
import { startMemoryRegistry } from '../../support/memory-registry.ts';
import { until } from '../../support/until.ts';

const chance = seeded(7);
const noise = Buffer.from(Uint32Array.from({ length: 1_000_000 }, () => Math.floor(chance() * 2 ** 32)).buffer);
const image = buildImage({ name: 'big:1', layers: [{ tar: packTree({ noise: { text: noise } }), compression: 'none' }, { tar: packTree({ small: { text: 'x' } }) }] });
const [big, small] = image.layers;
const FIRST_BYTES = 2_000_000;

async function scene(t: Test) {
  const registry = await startMemoryRegistry();
  for (const part of [image.config, ...image.layers]) registry.put('big', part);
  registry.put('big', image.manifest, '1');
  const dataDir = mkdtempSync(join(tmpdir(), `skiff-resume-${String(process.pid)}-`));
  t.teardown(async () => {
    await registry.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const ranges: (string | undefined)[] = [];
  const partial = join(dataDir, 'agent/images/partial');
  const open = (): LocalImageStore => createImageStore({ dataDir, clock: systemClock, log: silentLog });
  /** The first bytes of the large blob, and then nothing more. */
  const stall = (): void => {
    registry.guard = ({ url = '', headers }, response) => {
      if (!url.endsWith(big?.digest ?? '')) return false;
      ranges.push(headers.range);
      response.writeHead(200, { 'content-length': big?.size }).write(big?.bytes.subarray(0, FIRST_BYTES));
      return true;
    };
  };
  const serve = (): void => {
    registry.guard = ({ url = '', headers }) => {
      if (url.endsWith(big?.digest ?? '')) ranges.push(headers.range);
      return false;
    };
  };
  /** A pull that has brought the first bytes of the large layer and all of the small one. */
  const breakOff = async (): Promise<void> => {
    stall();
    const store = open();
    const come = Promise.withResolvers<void>();
    const pull = store.pull(`${registry.address}/big:1`, [], undefined, ({ doneBytes }) => { if (doneBytes >= FIRST_BYTES + (small?.size ?? 0)) come.resolve(); });
    pull.catch(() => {});
    await come.promise;
    const layers = join(dataDir, 'agent/images/layers');
    await until(() => readdirSync(layers).some((name) => !name.includes('.')), 'the small layer to stand');
    await store.stop();
    serve();
  };
  return { registry, ranges, partial, open, breakOff, stall, serve, name: `${registry.address}/big:1`, kept: () => readdirSync(partial) };
}

const blobFile = big?.digest.slice('sha256:'.length) ?? '';

t.test('the next life goes on with a range, and leaves nothing of it behind', async (t) => {
  const s = await scene(t);
  await s.breakOff();
  t.same(s.kept(), [blobFile], 'a small one is not kept');
  const asked = s.registry.asked.length;
  t.equal(readFileSync(join(s.partial, blobFile)).length, FIRST_BYTES);
  const store = s.open();
  await store.start();
  const seen: number[] = [];
  const pulled = await store.pull(s.name, [], undefined, ({ doneBytes }) => seen.push(doneBytes));
  t.same(s.ranges, [undefined, `bytes=${String(FIRST_BYTES)}-`]);
  t.ok(readFileSync(join(store.layers(pulled.id)[0] ?? '', 'noise')).equals(noise));
  t.equal(seen.at(-1), big?.size, 'what was here counts as done');
  t.notOk(s.registry.asked.slice(asked).some((line) => line.endsWith(small?.digest ?? '')), 'a layer that stands is not fetched again');
  t.equal(pulled.sizeBytes, noise.length + 1, 'and counts');
  t.same(s.kept(), []);
  t.notOk(readdirSync(join(s.partial, '../layers')).some((name) => name.includes('.')));
});

t.test('what is kept of a layer that stands goes with the next pull: a power cut takes back that it went', async (t) => {
  const s = await scene(t);
  const store = s.open();
  await store.start();
  await store.pull(s.name, []);
  writeFileSync(join(s.partial, blobFile), big?.bytes ?? '');
  const asked = s.registry.asked.length;
  await store.pull(s.name, []);
  t.same(s.kept(), []);
  t.notOk(s.registry.asked.slice(asked).some((line) => line.endsWith(big?.digest ?? '')), 'and is not fetched');
});

t.test('broken off twice, it has what both brought', async (t) => {
  const s = await scene(t);
  await s.breakOff();
  s.registry.guard = ({ url = '', headers }, response) => {
    if (!url.endsWith(big?.digest ?? '')) return false;
    s.ranges.push(headers.range);
    response.writeHead(206, { 'content-range': `bytes ${String(FIRST_BYTES)}-${String((big?.size ?? 0) - 1)}/${String(big?.size)}` }).write(big?.bytes.subarray(FIRST_BYTES, FIRST_BYTES + 1_000_000));
    return true;
  };
  const store = s.open();
  const come = Promise.withResolvers<void>();
  const pull = store.pull(s.name, [], undefined, ({ doneBytes }) => { if (doneBytes >= FIRST_BYTES + 1_000_000) come.resolve(); });
  pull.catch(() => {});
  await come.promise;
  await store.stop();
  s.serve();
  await s.open().pull(s.name, []);
  t.equal(s.ranges.at(-1), `bytes=${String(FIRST_BYTES + 1_000_000)}-`);
});

t.test('what a power cut has spoilt is found out, and all is fetched once more', async (t) => {
  const s = await scene(t);
  const spoils: Record<string, (path: string) => void> = {
    'other bytes': (path) => writeFileSync(path, Buffer.alloc(FIRST_BYTES)),
    'nothing': (path) => truncateSync(path),
    'more than there is': (path) => truncateSync(path, 50_000_000),
    'a whole one of zeros': (path) => { truncateSync(path); truncateSync(path, big?.size); },
  };
  for (const [what, spoil] of Object.entries(spoils)) {
    await s.breakOff();
    spoil(join(s.partial, blobFile));
    const store = s.open();
    const pulled = await store.pull(s.name, []);
    t.ok(readFileSync(join(store.layers(pulled.id)[0] ?? '', 'noise')).equals(noise), what);
    t.same(s.kept(), [], what);
    store.release(pulled.id);
    await store.remove(pulled.id);
  }
});

t.test('a registry that lies is asked no more than once', async (t) => {
  const s = await scene(t);
  let count = 0;
  s.registry.guard = ({ url = '' }, response) => {
    if (!url.endsWith(big?.digest ?? '')) return false;
    count++;
    response.writeHead(200, { 'content-length': big?.size }).end(Buffer.alloc(big?.size ?? 0));
    return true;
  };
  t.match(await s.open().pull(s.name, []).catch((error: unknown) => error), { reason: 'ErrImagePull' });
  t.equal(count, 1);
  t.same(s.kept(), [], 'and what it said is not kept');
});

t.test('two images with one layer: who comes second does not fail with the first', async (t) => {
  const s = await scene(t);
  const other = buildImage({ name: 'other:1', layers: [{ tar: packTree({ noise: { text: noise } }), compression: 'none' }] });
  for (const part of [other.config, ...other.layers]) s.registry.put('other', part);
  s.registry.put('other', other.manifest, '1');
  s.stall();
  const store = s.open();
  const [come, leave] = [Promise.withResolvers<void>(), new AbortController()];
  const first = store.pull(s.name, [], leave.signal, ({ doneBytes }) => { if (doneBytes >= FIRST_BYTES) come.resolve(); });
  await come.promise;
  const second = store.pull(s.name.replace('/big:', '/other:'), []);
  s.serve();
  leave.abort(new Error('not wanted any more'));
  await t.rejects(first, /not wanted any more/);
  t.equal((await second).id, other.config.digest);
  await store.stop();
});

t.test('what nobody comes back for goes after a day, or when the disk is short', (t) => {
  const directory = mkdtempSync(join(tmpdir(), `skiff-kept-${String(process.pid)}-`));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(directory, { recursive: true });
  const kept = createKeptBlobs(directory, systemClock);
  for (const name of ['old', 'new']) writeFileSync(join(directory, name), 'bytes');
  const yesterday = Date.now() / 1000 - 25 * 3600;
  utimesSync(join(directory, 'old'), yesterday, yesterday);
  t.equal(kept.clean(), 5);
  t.same(readdirSync(directory), ['new']);
  t.equal(kept.clean(true), 5);
  t.notOk(existsSync(join(directory, 'new')));
  t.end();
});
