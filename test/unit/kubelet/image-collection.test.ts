// Images that nobody has used for too long go by their age alone; what broke off goes before whole images do.
import t from 'tap';
import { DEFAULT_CONFIGURATION } from '../../../agents/kubelet/configuration/configuration.ts';
import { createImageCollection } from '../../../agents/kubelet/pressure/image-collection.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { createScene } from './scene.ts';

async function scene(t: { teardown(run: () => void): void }) {
  const s = await createScene();
  t.teardown(() => s.stop());
  for (const name of ['old:1', 'pinned:1', 'fresh:1']) s.images.present.add(name);
  const went: string[] = [];
  let partial = 0;
  const images = {
    ...s.images, list: () => s.images.list().map((image) => ({ ...image, sizeBytes: 10, pinned: image.tags[0] === 'pinned:1' })),
    remove: (id: string) => Promise.resolve(void s.images.present.delete(id.slice('sha256:'.length))), dropPartial: () => partial,
  };
  const collection = createImageCollection({ images, runtime: s.runtime, clock: s.clock, log: silentLog, settings: { ...DEFAULT_CONFIGURATION, imageMaximumGCAge: '1h' }, removed: (id) => went.push(id) });
  await s.create('web', { containers: [{ name: 'a', image: 'app:1' }] });
  await s.rest();
  return { s, collection, went, use: (name: string) => collection.used(images.find(name) as never), broken: (bytes: number) => { partial = bytes; } };
}

t.test('by age', async (t) => {
  const { s, collection, went, use } = await scene(t);
  await s.clock.advance(59 * 60_000);
  t.equal(await collection.collectOld(), 0, 'what was used before the start is as old as that');
  use('fresh:1');
  await s.clock.advance(2 * 60_000);
  t.equal(await collection.collectOld(), 10);
  t.same(went, ['sha256:old:1'], 'none that is in use, pinned, or was used since');
  await s.clock.advance(60 * 60_000);
  await collection.collectOld();
  t.same(went, ['sha256:old:1', 'sha256:fresh:1']);
});

t.test('what broke off goes first, and may be enough', async (t) => {
  const { s, collection, went, broken } = await scene(t);
  await s.clock.advance(10 * 60_000);
  broken(30);
  t.equal(await collection.collect(25), 30);
  t.same(went, []);
  broken(5);
  t.equal(await collection.collect(15), 15);
  t.equal(went.length, 1);
});
