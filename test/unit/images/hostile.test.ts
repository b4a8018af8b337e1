// Images that try to reach the host: through names, links, devices, whiteouts, attributes, digests; and such as would fill the disk.
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { createLayerStore } from '../../../agents/images/layer-store.ts';
import { createImageStore } from '../../../agents/images/local-image-store.ts';
import { formatPax, formatTarEntry } from '../../../agents/images/tar-header.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { hash } from 'node:crypto';
import { saveArchive, packRaw, packTree } from '../../support/images.ts';

t.setTimeout(540_000); // on a busy machine
const refusal = (error: unknown): unknown => error;

/** A folder to unpack in, one beside it that is to stay as it is, and what an attack names it from inside. */
function scene(t: Test) {
  const root = mkdtempSync(join(tmpdir(), `skiff-hostile-${String(process.pid)}-`));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const victim = join(root, 'victim');
  mkdirSync(victim);
  writeFileSync(join(victim, 'secret'), 'as it was');
  const layers = createLayerStore(join(root, 'layers'));
  const unpack = async (tar: Buffer): Promise<{ folder: string; error: unknown }> => {
    const diffId = `sha256:${hash('sha256', tar)}`;
    const error = await layers.ensure({ diffId, open: () => (async function* one() { yield await Promise.resolve(tar); })() }).then(() => undefined, refusal);
    return { folder: layers.directory(diffId), error };
  };
  const untouched = (): void => {
    t.same(readdirSync(victim), ['secret'], 'nothing was made outside');
    t.equal(readFileSync(join(victim, 'secret'), 'utf8'), 'as it was');
    t.equal(statSync(join(victim, 'secret')).nlink, 1, 'nothing is linked to it');
    t.same(readdirSync(root).sort(), ['layers', 'victim']);
    t.notOk(readdirSync(join(root, 'layers')).some((name) => name.endsWith('.tmp')));
  };
  return { root, victim, unpack, untouched };
}

t.test('names that lead outside', async (t) => {
  const s = scene(t);
  for (const name of ['../../victim/new', 'a/../../../victim/new', '../../victim/secret', `./../../victim/new`]) {
    t.match((await s.unpack(packRaw([{ name, type: '0' }]))).error, { reason: 'ErrImagePull', message: /cannot be unpacked/ }, name);
  }
  const { folder, error } = await s.unpack(packRaw([{ name: `${s.victim}/new`, type: '0' }]));
  t.ok(error !== undefined || existsSync(join(folder, s.victim, 'new')), 'an absolute one is below the layer');
  s.untouched();
});

t.test('links that lead outside are not followed', async (t) => {
  const s = scene(t);
  for (const link of [s.victim, '../../victim', '../../../../../../../../../../../..' + s.victim]) {
    await s.unpack(packRaw([{ name: 'way', type: '2', link }, { name: 'way/new', type: '0' }]));
    await s.unpack(packRaw([{ name: 'way', type: '2', link }, { name: 'way/', type: '5' }, { name: 'way/new', type: '0' }]));
    await s.unpack(packRaw([{ name: 'way', type: '2', link }, { name: 'way/.wh.secret', type: '0' }]));
    await s.unpack(packRaw([{ name: 'way', type: '2', link }, { name: 'way/.wh..wh..opq', type: '0' }]));
    await s.unpack(packRaw([{ name: 'one', type: '2', link }, { name: 'two', type: '2', link: 'one' }, { name: 'two/new', type: '0' }]));
    await s.unpack(packRaw([{ name: 'file', type: '1', link: `${link}/secret` }, { name: 'file', type: '0' }]));
    await s.unpack(packRaw([{ name: 'way', type: '2', link }, { name: 'file', type: '1', link: 'way/secret' }, { name: 'file', type: '0' }]));
    await s.unpack(packRaw([{ name: 'file', type: '2', link: `${link}/secret` }, { name: 'file', type: '0' }]));
  }
  s.untouched();
  const { folder, error } = await s.unpack(packRaw([{ name: 'way', type: '2', link: '/etc' }]));
  t.equal(error, undefined);
  t.equal(readlinkSync(join(folder, 'way')), '/etc', 'a link itself is a file like others: the container follows it in its own root');
});

t.test('whiteouts that name no file of the layer', async (t) => {
  const s = scene(t);
  for (const name of ['.wh...', 'a/.wh...', '.wh..', 'a/.wh..', '.wh.', 'a/.wh.', '../.wh.layers', '../../victim/.wh.secret', '../../victim/.wh..wh..opq']) {
    await s.unpack(packRaw([{ name: 'a/', type: '5' }, { name, type: '0' }]));
    s.untouched();
  }
});

t.test('devices are made as they are, where no one but a container finds them', async (t) => {
  const s = scene(t);
  const { folder, error } = await s.unpack(packRaw([{ name: 'disk', type: '4' }, { name: 'pipe', type: '6' }]));
  t.equal(error, undefined);
  t.ok(lstatSync(join(folder, 'disk')).isBlockDevice());
  t.equal(statSync(join(folder, '..')).mode & 0o777, 0o700, 'no other user of the host comes there');
});

t.test('attributes of overlayfs do not come from an image', async (t) => {
  const s = scene(t);
  const entry = formatTarEntry({ name: 'dir', type: '5', mode: 0o755, uid: 0, gid: 0, mtime: 0 }, { 'SCHILY.xattr.trusted.overlay.redirect': '/elsewhere', 'SCHILY.xattr.trusted.overlay.metacopy': 'x', 'SCHILY.xattr.user.kept': 'yes' });
  const { folder, error } = await s.unpack(Buffer.concat([entry, Buffer.alloc(1024)]));
  t.equal(error, undefined);
  const attributes = execFileSync('tar', ['--xattrs', '--xattrs-include=*', '-C', folder, '-cf', '-', 'dir'], { encoding: 'latin1' });
  t.match(attributes, /xattr\.user\.kept=yes/);
  t.notMatch(attributes, /overlay/);
});

t.test('digests that are paths', async (t) => {
  const s = scene(t);
  const dataDir = join(s.root, 'layers/data');
  const archive = join(s.root, 'layers/evil.tar');
  const store = createImageStore({ dataDir, clock: systemClock, log: silentLog });
  const honest = saveArchive({ name: 'evil:1', layers: [{ tar: packTree({ a: { text: 'x' } }) }] });
  const real = /sha256:[0-9a-f]{64}/.exec(honest.toString('latin1'))?.[0] ?? '';
  const path = `sha256:${'../'.repeat(5)}victim`;
  writeFileSync(archive, Buffer.from(honest.toString('latin1').replaceAll(real, path.padEnd(real.length, '/')), 'latin1'));
  t.match(await store.importArchive(archive).catch(refusal), { reason: 'ErrImagePull', message: /names a digest that is none/ });
  t.same(store.list(), []);
});

t.test('what would fill the disk is refused before it has; holes cost nothing', async (t) => {
  const s = scene(t);
  const small = join(s.root, 'layers/small');
  mkdirSync(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256m', 'tmpfs', small]);
  t.teardown(() => execFileSync('umount', ['-l', small]));
  const layers = createLayerStore(join(small, 'layers'));
  const header = formatTarEntry({ name: 'zeros', type: '0', mode: 0o644, uid: 0, gid: 0, mtime: 0 });
  header.write('10000000000', 124, 'latin1'); // 1 GiB
  header.write('        ', 148, 'latin1');
  header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  const megabyte = gzipSync(Buffer.alloc(1 << 20));
  const bomb = async function* (): AsyncGenerator<Buffer> {
    yield await Promise.resolve(gzipSync(header));
    for (let at = 0; at < 1024; at++) yield megabyte;
  };
  t.match(await layers.ensure({ diffId: `sha256:${'0'.repeat(64)}`, open: bomb }).catch(refusal), { reason: 'ErrImagePull', message: /does not fit on the disk: no space left on device/ });
  t.same(readdirSync(join(small, 'layers')), [], 'and its room is free again');
  const holes = join(s.root, 'layers/holes');
  writeFileSync(holes, 'x');
  truncateSync(holes, 10 * 2 ** 30);
  const tar = execFileSync('tar', ['--sparse', '-C', join(s.root, 'layers'), '-cf', '-', 'holes']);
  const diffId = `sha256:${hash('sha256', tar)}`;
  await layers.ensure({ diffId, open: () => (async function* one() { yield await Promise.resolve(tar); })() });
  t.equal(statSync(join(layers.directory(diffId), 'holes')).size, 10 * 2 ** 30);
});

/** One entry with its data. */
function packFile(name: string, data: Buffer, records: Record<string, string> = {}, mode = 0o644): Buffer {
  const entry = formatTarEntry({ name, type: '0', mode, uid: 0, gid: 0, mtime: 0 }, records);
  const header = entry.subarray(-512);
  header.write(data.length.toString(8).padStart(11, '0'), 124, 'latin1');
  header.write('        ', 148, 'latin1');
  header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([entry, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}

const END = Buffer.alloc(1024);

t.test('bits and capabilities are kept as the image has them', async (t) => {
  const s = scene(t);
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex'); // cap_net_raw+ep
  const record = Buffer.concat([Buffer.from(`${String(' SCHILY.xattr.security.capability='.length + capability.length + 3)} SCHILY.xattr.security.capability=`), capability, Buffer.from('\n')]);
  const pax = formatPax({ name: 'PaxHeader', type: 'x', mode: 0o644, uid: 0, gid: 0, mtime: 0 }, record);
  const { folder, error } = await s.unpack(Buffer.concat([packFile('setuid', Buffer.from('x'), {}, 0o4755), packFile('sticky', Buffer.from('x'), {}, 0o1777), pax, packFile('ping', Buffer.from('x'), {}, 0o755), END]));
  t.equal(error, undefined);
  t.same([statSync(join(folder, 'setuid')).mode & 0o7777, statSync(join(folder, 'sticky')).mode & 0o7777], [0o4755, 0o1777]);
  const attributes = execFileSync('tar', ['--xattrs', '--xattrs-include=*', '-C', folder, '-cf', '-', 'ping']);
  t.ok(attributes.includes(Buffer.concat([Buffer.from('xattr.security.capability='), capability])));
});

t.test('names as long as can be, and longer; entries that come twice; a file where a folder was', async (t) => {
  const s = scene(t);
  const deep = `${'d'.repeat(200)}/`.repeat(19); // 3819 bytes
  const long = await s.unpack(Buffer.concat([packFile(`${deep}file`, Buffer.from('x')), END]));
  t.equal(long.error, undefined, 'what fits is made');
  for (const name of [`${'n'.repeat(256)}`, `${'d'.repeat(200)}/`.repeat(25), 'n'.repeat(100_000)]) t.match((await s.unpack(Buffer.concat([packFile(name, Buffer.from('x')), END]))).error, { reason: 'ErrImagePull', message: /cannot be unpacked/ }, `${String(name.length)} bytes`);
  const twice = await s.unpack(Buffer.concat([packFile('a', Buffer.from('one')), packFile('a', Buffer.from('two')), packRaw([{ name: 'b/', type: '5' }, { name: 'b/', type: '5' }]).subarray(0, -1024), packFile('c', Buffer.from('x')), packRaw([{ name: 'c', type: '2', link: '/etc' }]).subarray(0, -1024), END]));
  t.equal(twice.error, undefined);
  t.equal(readFileSync(join(twice.folder, 'a'), 'utf8'), 'two', 'the last one counts');
  t.equal(readlinkSync(join(twice.folder, 'c')), '/etc');
  s.untouched();
});

t.test('a hundred thousand entries; more than the disk has room for are ended', async (t) => {
  const s = scene(t);
  const entry = (at: number): Buffer => formatTarEntry({ name: `many/${String(at)}`, type: '0', mode: 0o644, uid: 0, gid: 0, mtime: 0 });
  const many = Buffer.concat([...Array.from({ length: 100_000 }, (_, at) => entry(at)), END]);
  const { folder, error } = await s.unpack(many);
  t.equal(error, undefined);
  t.equal(readdirSync(join(folder, 'many')).length, 100_000);
  const small = join(s.root, 'layers/few');
  mkdirSync(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,nr_inodes=5000', 'tmpfs', small]);
  t.teardown(() => execFileSync('umount', ['-l', small]));
  const layers = createLayerStore(join(small, 'layers'));
  t.match(await layers.ensure({ diffId: `sha256:${hash('sha256', many)}`, open: () => (async function* one() { yield await Promise.resolve(many); })() }).catch(refusal), { reason: 'ErrImagePull', message: /no inodes left|No space left/ });
  t.same(readdirSync(join(small, 'layers')), []);
});

t.test('headers that promise what is not so', async (t) => {
  const s = scene(t);
  const headerOf = (change: (header: Buffer) => void): Buffer => {
    const header = formatTarEntry({ name: 'x', type: '0', mode: 0o644, uid: 0, gid: 0, mtime: 0 });
    change(header);
    header.write('        ', 148, 'latin1');
    header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    return header;
  };
  const pax = (data: string | Buffer): Buffer => formatPax({ name: 'PaxHeader', type: 'x', mode: 0o644, uid: 0, gid: 0, mtime: 0 }, Buffer.from(data));
  const file = formatTarEntry({ name: 'x', type: '0', mode: 0o644, uid: 0, gid: 0, mtime: 0 });
  const cases: Record<string, Buffer> = {
    'an extension of gigabytes': headerOf((header) => { header.write('x', 156); header.write('77777777777', 124); }),
    'a long name of gigabytes': headerOf((header) => { header.write('L', 156); header.write('77777777777', 124); }),
    'a negative size': headerOf((header) => { header.fill(0xff, 124, 136); }),
    'a size of 2^90': headerOf((header) => { header.fill(0, 124, 136); header[124] = 0x80; header[125] = 0x7f; }),
    'no number': headerOf((header) => { header.write('zzzzzzzzzzz', 124); }),
    'a size that is no number': Buffer.concat([pax('13 size=abc\n'.replace('13', '12')), file]),
    'a negative size in an extension': Buffer.concat([pax('11 size=-5\n'), file]),
    'a record without length': Buffer.concat([pax('size=5\n'), file]),
    'a record of no bytes': Buffer.concat([pax('0 a=b\n'), file]),
    'a record longer than all': Buffer.concat([pax('999999 a=b\n'), file]),
    'extensions without end': Buffer.concat(Array.from({ length: 6 }, () => pax(`1000000 a=${'b'.repeat(1_000_000 - 11)}\n`))),
    'the map of a sparse file without end': Buffer.concat([headerOf((header) => { header.write('S', 156); header[482] = 1; }), ...Array.from({ length: 10_000 }, () => { const more = Buffer.alloc(512); more[504] = 1; return more; })]),
  };
  for (const [what, head] of Object.entries(cases)) {
    const { error } = await s.unpack(Buffer.concat([head, END]));
    t.match(error, { message: /damaged|ends in the middle|cannot be unpacked/ }, what);
  }
  s.untouched();
});
