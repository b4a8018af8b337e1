// Layers mounted over each other by the kernel: few, and so many that their paths do not fit into one page.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { mountLayers, unmount } from '../../../agents/runtime/runc/rootfs.ts';

const folder = mkdtempSync(join(tmpdir(), `skiff-rootfs-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

function layer(at: string, index: number): string {
  const path = join(at, `layer-${String(index).padStart(64, '0')}`);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, `only-${String(index)}`), String(index));
  writeFileSync(join(path, 'shared'), String(index));
  return path;
}

for (const [what, count] of [['one layer', 1], ['a few layers', 3], ['more layers than a page holds the paths of', 120], ['as many layers as the kernel takes', 500]] as const) {
  t.test(what, async (t) => {
    const at = join(folder, `${String(count)}, with: signs`);
    const layers = Array.from({ length: count }, (_, index) => layer(at, index));
    const [target, writable] = [join(at, 'root'), join(at, 'container')];
    await mountLayers({ layers, target, writable });
    t.teardown(() => unmount(target));
    t.equal(readFileSync(join(target, 'shared'), 'utf8'), String(count - 1), 'the last layer lies on top');
    t.equal(readdirSync(target).length, count + 1);
    writeFileSync(join(target, 'new'), 'n');
    t.equal(readFileSync(join(writable, 'upper/new'), 'utf8'), 'n');
    const shown = join(at, 'shown');
    await mountLayers({ layers, target: shown });
    t.teardown(() => unmount(shown));
    t.equal(readFileSync(join(shown, 'only-0'), 'utf8'), '0');
    t.throws(() => writeFileSync(join(shown, 'new'), ''), { code: 'EROFS' });
    t.same(readdirSync(at).filter((name) => !name.startsWith('layer-')).sort(), ['container', 'root', 'shown'], 'nothing else is left');
    await unmount(target, shown);
    t.notOk(existsSync(join(target, 'shared')));
  });
}

t.test('a layer that is not there is named', async (t) => {
  const missing = join(folder, 'missing');
  await t.rejects(mountLayers({ layers: [join(folder, 'a'), missing], target: join(folder, 'none'), writable: join(folder, 'w') }), /missing|no such file/i);
});

t.test('more layers than the kernel takes are refused by their number', async (t) => {
  const layers = Array.from({ length: 501 }, (_, index) => join(folder, String(index)));
  await t.rejects(mountLayers({ layers, target: join(folder, 'many') }), { message: 'an image of 501 layers cannot be mounted: the kernel lays 500 over each other at most' });
});
