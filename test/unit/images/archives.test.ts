// The folder of images: what tools write (docker save, OCI layouts by skopeo), plain and compressed, at the start and while the node runs; lists of
// names; and archives that are none, which hurt nothing else.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { createImageStore } from '../../../agents/images/local-image-store.ts';
import { systemClock, type Clock } from '../../../internal/base/clock.ts';
import { silentLog, type Log } from '../../../internal/base/log.ts';
import { fixtureImages, packTree, pushImages, saveArchive } from '../../support/images.ts';
import { startRegistry } from '../../support/registry.ts';
import { until } from '../../support/until.ts';

const registry = await startRegistry();
await pushImages(registry.url);
const work = mkdtempSync(join(tmpdir(), `skiff-archives-${String(process.pid)}-`));
t.teardown(async () => {
  await registry.stop();
  rmSync(work, { recursive: true, force: true });
});

/** As it does, sooner. */
const hasty: Clock = { ...systemClock, setTimer: (ms, run) => systemClock.setTimer(ms / 20, run) };

function scene(t: Test, dataDir = mkdtempSync(join(tmpdir(), `skiff-archives-${String(process.pid)}-`))) {
  const said: string[] = [];
  const say = (message: string, fields: object = {}): void => void said.push([message, ...Object.values(fields)].join(' '));
  const log: Log = { ...silentLog, info: say, warn: say, error: say };
  const store = createImageStore({ dataDir, clock: hasty, log });
  const folder = join(dataDir, 'agent/images');
  t.teardown(async () => {
    await store.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return { dataDir, folder, store, said, tags: () => store.list().flatMap(({ tags }) => tags).sort(), pinned: () => store.list().filter(({ pinned }) => pinned).flatMap(({ tags }) => tags).sort() };
}

function skopeo(from: string, to: string): void {
  execFileSync('skopeo', ['copy', '--quiet', '--insecure-policy', '--src-tls-verify=false', from, to], { stdio: 'ignore' });
}

function layoutArchive(name: string, ...refs: string[]): string {
  const layout = join(work, `${name}-layout`);
  for (const ref of refs) skopeo(`docker://${registry.address}/${ref}`, `oci:${layout}:docker.io/library/${ref}`);
  execFileSync('tar', ['-C', layout, '-cf', join(work, name), '.']);
  return join(work, name);
}

function dockerArchive(name: string, ref: string): string {
  skopeo(`docker://${registry.address}/${ref}`, `docker-archive:${join(work, name)}:docker.io/library/${ref}`);
  return join(work, name);
}

const archives = { docker: dockerArchive('docker.tar', 'web:1'), layout: layoutArchive('layout.tar', 'web:2', 'nonroot:1') };

t.test('what skopeo writes, in every form, at the start', async (t) => {
  const s = scene(t);
  cpSync(archives.docker, join(s.folder, 'one.tar'));
  writeFileSync(join(s.folder, 'two.tar.zst'), zstdCompressSync(readFileSync(archives.layout)));
  writeFileSync(join(s.folder, 'three.tgz'), gzipSync(saveArchive({ name: 'mine:1', layers: [{ tar: packTree({ a: { text: 'x' } }) }] })));
  await s.store.start();
  const names = ['mine:1', 'nonroot:1', 'web:1', 'web:2'].map((name) => `docker.io/library/${name}`);
  t.same(s.tags(), names);
  t.same(s.pinned(), names);
  t.equal(readFileSync(join(s.store.layers(s.store.find('web:2')?.id ?? '').at(-1) ?? '', 'etc/web-version'), 'utf8'), '2\n');
  t.same(readdirSync(s.folder).filter((name) => name.startsWith('.import')), [], 'nothing is left of what was expanded');
  t.equal(s.said.filter((line) => line.startsWith('image archive imported')).length, 3);
  const again = scene(t, s.dataDir);
  await again.store.start();
  t.same(again.said, [], 'another start reads them no more');
  t.same(again.pinned(), names);
});

t.test('bad ones get a line each, and the rest is imported', async (t) => {
  const s = scene(t);
  const whole = readFileSync(archives.docker);
  const bad: Record<string, { bytes: Buffer; message: RegExp }> = {
    'cut.tar': { bytes: whole.subarray(0, whole.length >> 1), message: /ends in the middle|is missing/ },
    'empty.tar': { bytes: Buffer.alloc(0), message: /not an image archive: manifest.json is missing/ },
    'garbage.tar.gz': { bytes: Buffer.concat([Buffer.from('1f8b', 'hex'), Buffer.alloc(5000, 7)]), message: /damaged/ },
    'noise.tar': { bytes: Buffer.alloc(5000, 7), message: /wrong checksum/ },
    'other.tar': { bytes: packTree({ 'a/file': { text: 'x' } }), message: /not an image archive/ },
    'json.tar': { bytes: packTree({ 'manifest.json': { text: '{"no": "list"}' } }), message: /manifest.json/ },
    'short.tar.zst': { bytes: zstdCompressSync(whole).subarray(0, 1000), message: /damaged/ },
    'layer.tar': { bytes: packTree({ 'manifest.json': { text: JSON.stringify([{ Config: 'config.json', RepoTags: ['a:1'], Layers: ['gone.tar'] }]) }, 'config.json': { text: JSON.stringify({ rootfs: { diff_ids: [`sha256:${'a'.repeat(64)}`] } }) } }), message: /gone.tar is missing/ },
    'lies.tar': { bytes: packTree({ 'manifest.json': { text: JSON.stringify([{ Config: 'config.json', RepoTags: ['a:1'], Layers: ['l.tar'] }]) }, 'l.tar': { text: packTree({ x: { text: 'x' } }) }, 'config.json': { text: JSON.stringify({ rootfs: { diff_ids: [`sha256:${'a'.repeat(64)}`] } }) } }), message: /arrived with digest/ },
  };
  for (const [name, { bytes }] of Object.entries(bad)) writeFileSync(join(s.folder, name), bytes);
  cpSync(archives.docker, join(s.folder, 'zz-good.tar'));
  await s.store.start();
  t.same(s.tags(), ['docker.io/library/web:1']);
  for (const [name, { message }] of Object.entries(bad)) {
    const lines = s.said.filter((line) => line.includes(name));
    t.equal(lines.length, 1, name);
    t.match(lines[0], message, name);
    t.notMatch(lines[0], /\n/, 'in one line');
  }
  t.same(readdirSync(join(s.folder, 'layers')).filter((name) => name.includes('.tmp')), []);
});

t.test('while the node runs: one that is copied in, one that was cut and is whole at last, one that goes', async (t) => {
  const s = scene(t);
  await s.store.start();
  const whole = readFileSync(archives.docker);
  writeFileSync(join(s.folder, 'web.tar'), whole.subarray(0, 10_000));
  await until(() => s.said.some((line) => line.includes('web.tar')), 'a word about the first part');
  writeFileSync(join(s.folder, 'web.tar'), whole);
  await until(() => s.pinned().includes('docker.io/library/web:1'), 'the whole to be imported');
  writeFileSync(join(s.folder, 'two.tar.gz.part'), gzipSync(readFileSync(archives.layout)));
  renameSync(join(s.folder, 'two.tar.gz.part'), join(s.folder, 'two.tar.gz'));
  await until(() => s.pinned().includes('docker.io/library/web:2'), 'the renamed one');
  rmSync(join(s.folder, 'web.tar'));
  await until(() => !s.pinned().includes('docker.io/library/web:1'), 'what nobody holds any more to be like others');
  t.ok(s.tags().includes('docker.io/library/web:1'), 'it goes when it is collected');
});

t.test('lists of names are pulled, and pinned; what cannot be had is tried again', async (t) => {
  const s = scene(t);
  writeFileSync(join(s.folder, 'wanted.txt'), `# for later\n\n${registry.address}/web:3\n  ${registry.address}/late:1  \nBad Name\n`);
  await s.store.start();
  await until(() => s.pinned().includes(`${registry.address}/web:3`), 'the list to be pulled');
  await until(() => s.said.some((line) => /listed image cannot be pulled wanted.txt .*late:1 .*not found/.test(line)), 'a word about what is not there');
  t.ok(s.said.some((line) => /Bad Name .*couldn't parse image name/.test(line)));
  await pushImages(registry.url, [{ ...fixtureImages()[0] ?? { layers: [] }, name: 'late:1' }]);
  await until(() => s.pinned().includes(`${registry.address}/late:1`), 'it to be there at last');
  t.same(s.pinned().length, 2);
});

t.test('an archive that grows to more than the disk has is ended before it is full', async (t) => {
  const disk = mkdtempSync(join(work, 'disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200m', 'tmpfs', disk]);
  t.teardown(() => execFileSync('umount', ['-l', disk]));
  const s = scene(t, join(disk, 'data'));
  writeFileSync(join(s.folder, 'bomb.tar.gz'), gzipSync(Buffer.alloc(250 << 20), { level: 1 }));
  await s.store.start();
  t.match(s.said, [/bomb.tar.gz .*no space left on device/]);
  t.same(readdirSync(s.folder).filter((name) => name.startsWith('.import')), []);
});
