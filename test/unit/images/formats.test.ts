// What images come as: both formats' manifests, lists in lists, variants, compressions; and what is refused, in words that say why.
import { hash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { decompressed } from '../../../agents/images/compression.ts';
import { chooseManifest } from '../../../agents/images/image-manifest.ts';
import { createImageStore } from '../../../agents/images/local-image-store.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { buildImage, describe, document, packTree, type Blob } from '../../support/images.ts';
import { startMemoryRegistry } from '../../support/memory-registry.ts';

const OCI = 'application/vnd.oci.image';
const DOCKER = 'application/vnd.docker';
const registry = await startMemoryRegistry();
t.teardown(() => registry.stop());

function store(t: Test) {
  const dataDir = mkdtempSync(join(tmpdir(), `skiff-formats-${String(process.pid)}-`));
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }));
  return createImageStore({ dataDir, clock: systemClock, log: silentLog });
}

const refusal = (error: unknown): unknown => error;
const tar = packTree({ hello: { text: 'hello\n' } });
const image = buildImage({ name: 'app:1', layers: [{ tar }] });

function blob(mediaType: string, bytes: Buffer): Blob {
  return { mediaType, bytes, size: bytes.length, digest: `sha256:${hash('sha256', bytes)}` };
}

/** Puts an image of one layer that comes as these bytes. */
function putLayer(repository: string, bytes: Buffer, mediaType = `${OCI}.layer.v1.tar`): void {
  const layer = blob(mediaType, bytes);
  for (const part of [image.config, layer]) registry.put(repository, part);
  registry.put(repository, document(`${OCI}.manifest.v1+json`, { schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`, config: describe(image.config), layers: [describe(layer)] }), '1');
}

function putManifest(repository: string, manifest: Blob, ...parts: Blob[]): void {
  for (const part of [image.config, ...image.layers, ...parts]) registry.put(repository, part);
  registry.put(repository, manifest, '1');
}

t.test('layers by their bytes, whatever their type says: several members, frames that are skipped, what stands behind the end', async (t) => {
  const half = tar.length >> 1;
  const [one, two] = [tar.subarray(0, half), tar.subarray(half)];
  const skipped = Buffer.concat([Buffer.from('502a4d18', 'hex'), Buffer.from([5, 0, 0, 0]), Buffer.from('table')]);
  const forms: Record<string, Buffer> = {
    plain: tar, gzip: gzipSync(tar), members: Buffer.concat([gzipSync(one), gzipSync(two)]), zstd: zstdCompressSync(tar), frames: Buffer.concat([zstdCompressSync(one), zstdCompressSync(two)]),
    chunked: Buffer.concat([zstdCompressSync(one), skipped, zstdCompressSync(two), skipped]),
  };
  for (const [form, bytes] of Object.entries(forms)) {
    putLayer(form, bytes);
    const images = store(t);
    const pulled = await images.pull(`${registry.address}/${form}:1`, []).catch(refusal) as { id: string };
    t.equal(pulled.id, image.config.digest, form);
    t.equal(readFileSync(join(images.layers(pulled.id)[0] ?? '', 'hello'), 'utf8'), 'hello\n', form);
  }
});

t.test('Docker\'s manifests and lists, indexes in indexes', async (t) => {
  const manifest = document(`${DOCKER}.distribution.manifest.v2+json`, { schemaVersion: 2, mediaType: `${DOCKER}.distribution.manifest.v2+json`, config: { ...describe(image.config), mediaType: `${DOCKER}.container.image.v1+json` }, layers: image.layers.map((layer) => ({ ...describe(layer), mediaType: `${DOCKER}.image.rootfs.diff.tar.gzip` })) });
  putManifest('docker', manifest);
  t.equal((await store(t).pull(`${registry.address}/docker:1`, [])).id, image.config.digest);
  const platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };
  const list = document(`${DOCKER}.distribution.manifest.list.v2+json`, { schemaVersion: 2, manifests: [{ ...describe(manifest), platform }] });
  putManifest('list', list, manifest);
  const byList = await store(t).pull(`${registry.address}/list:1`, []);
  t.same(byList.digests, [`${registry.address}/list@${list.digest}`]);
  const nested = document(`${OCI}.index.v1+json`, { schemaVersion: 2, manifests: [{ ...describe(list) }] });
  putManifest('nested', nested, list, manifest);
  t.equal((await store(t).pull(`${registry.address}/nested:1`, [])).id, image.config.digest);
  let deep = nested;
  const parts = [list, manifest];
  for (let depth = 0; depth < 5; depth++) {
    parts.push(deep);
    deep = document(`${OCI}.index.v1+json`, { schemaVersion: 2, manifests: [describe(deep)] });
  }
  putManifest('deep', deep, ...parts);
  t.match(await store(t).pull(`${registry.address}/deep:1`, []).catch(refusal), { message: /more than 4 indexes in each other/ });
});

t.test('the entry for this machine', (t) => {
  const entry = (architecture: string, variant?: string, os = 'linux') => ({ digest: `sha256:${hash('sha256', `${os}${architecture}${String(variant)}`)}`, platform: { os, architecture, ...(variant !== undefined && { variant }) } });
  const chosen = (architecture: string, ...manifests: ReturnType<typeof entry>[]): string => {
    const { platform } = chooseManifest({ manifests }, 'x', architecture) ?? {};
    return `${String(platform?.architecture)}/${platform?.variant ?? ''}`;
  };
  t.equal(chosen('arm64', entry('arm', 'v7'), entry('arm64'), entry('arm64', 'v8')), 'arm64/v8');
  t.equal(chosen('arm64', entry('amd64'), entry('arm64', 'v9'), entry('arm64')), 'arm64/');
  t.equal(chosen('arm', entry('arm', 'v5'), entry('arm', 'v6'), entry('arm', 'v7'), entry('arm64', 'v8')), 'arm/v7');
  t.equal(chosen('arm', entry('arm', 'v5'), entry('arm', 'v6')), 'arm/v6');
  t.equal(chosen('amd64', entry('amd64', 'v3'), entry('amd64'), entry('unknown', undefined, 'unknown')), 'amd64/');
  t.throws(() => chosen('arm64', entry('amd64'), entry('arm64', undefined, 'windows')), /no match for platform in manifest/);
  t.end();
});

t.test('what cannot run here', async (t) => {
  const manifestOf = (config: Blob, layers: object[]): Blob => document(`${OCI}.manifest.v1+json`, { schemaVersion: 2, config: describe(config), layers });
  const foreign = { mediaType: `${DOCKER}.image.rootfs.foreign.diff.tar.gzip`, size: 5, digest: `sha256:${'f'.repeat(64)}`, urls: ['http://192.0.2.1/layer'] };
  const config = (fields: object): Blob => document(`${OCI}.config.v1+json`, { ...JSON.parse(image.config.bytes.toString()) as object, ...fields });
  const [other, windows, artifact] = [config({ architecture: 'mips' }), config({ os: 'windows' }), document('application/vnd.example+json', { any: 'thing' })];
  const cases: Record<string, { manifest: Blob; parts?: Blob[]; message: RegExp }> = {
    schema1: { manifest: document(`${DOCKER}.distribution.manifest.v1+prettyjws`, { schemaVersion: 1, name: 'x', fsLayers: [] }), message: /Docker's schema 1, which is not supported/ },
    foreign: { manifest: manifestOf(image.config, [foreign]), message: /a layer that its registry does not give out: sha256:f+ is of type .*foreign/ },
    other: { manifest: manifestOf(other, image.layers.map(describe)), parts: [other], message: /no match for platform in manifest: .* is for linux\/mips/ },
    windows: { manifest: manifestOf(windows, image.layers.map(describe)), parts: [windows], message: /no match for platform in manifest: .* is for windows/ },
    artifact: { manifest: manifestOf(artifact, image.layers.map(describe)), parts: [artifact], message: /is not a container image/ },
    layers: { manifest: manifestOf(image.config, []), message: /has 0 layers and 1 layer digests/ },
    html: { manifest: blob('text/html', Buffer.from('<html>log in</html>')), message: /no manifest: "<html>/ },
    number: { manifest: document('application/json', 5), message: /no manifest/ },
    digest: { manifest: manifestOf({ ...image.config, digest: 'sha256:../../x' }, []), message: /names a digest that is none/ },
  };
  for (const [name, { manifest, parts = [], message }] of Object.entries(cases)) {
    putManifest(name, manifest, ...parts);
    const images = store(t);
    t.match(await images.pull(`${registry.address}/${name}:1`, []).catch(refusal), { reason: 'ErrImagePull', message }, name);
    t.same(images.list(), [], name);
  }
  const without = config({ architecture: undefined, os: undefined });
  putManifest('without', manifestOf(without, image.layers.map(describe)), without);
  t.equal((await store(t).pull(`${registry.address}/without:1`, [])).id, without.digest, 'one that does not say for what it is is taken at its word');
});

t.test('by digest: the bytes are held to it, and a tag beside it is no name', async (t) => {
  putManifest('app', image.manifest);
  const images = store(t);
  const pulled = await images.pull(`${registry.address}/app:other@${image.manifest.digest}`, []);
  t.same([pulled.tags, pulled.digests], [[], [`${registry.address}/app@${image.manifest.digest}`]]);
  registry.put('app', { ...image.manifest, digest: `sha256:${'b'.repeat(64)}` });
  t.match(await images.pull(`${registry.address}/app@sha256:${'b'.repeat(64)}`, []).catch(refusal), { message: /manifest sha256:b+ arrived with digest/ });
  t.ok(existsSync(images.layers(pulled.id)[0] ?? ''));
});

t.test('who stops reading a blob early closes what it comes from, however it is compressed', async (t) => {
  const noise = randomBytes(1 << 20);
  for (const [how, bytes] of Object.entries({ plain: noise, gzip: gzipSync(noise), zstd: zstdCompressSync(noise), 'broken gzip': Buffer.concat([gzipSync(noise).subarray(0, 5000), noise]) })) {
    const closed = Promise.withResolvers<string>();
    const source = (async function* () {
      try {
        for (let at = 0; at < bytes.length; at += 4096) yield bytes.subarray(at, at + 4096);
        closed.resolve('read whole');
      } finally {
        closed.resolve('closed');
      }
    })();
    await (async () => {
      for await (const piece of decompressed(source)) if (piece.length > 0 && how !== 'broken gzip') return;
    })().catch(() => {});
    t.equal(await closed.promise, 'closed', how);
  }
});
