// Images for tests, made in memory from busybox-static, with the same digests on every build, and pushed to a registry or written as archives.
//   busybox:1   a shell with every applet                                web:1 web:2 web:3   an HTTP server on 80 (env PORT): `/` its hostname, `/version` its tag
//   nonroot:1   busybox that runs as user 1234 of groups in /etc/group   whiteout:1          two layers; the second removes and makes opaque
import { hash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { formatTarEntry } from '../../agents/images/tar-header.ts';

export interface FixtureLayer {
  tar: Buffer;
  compression?: 'gzip' | 'zstd' | 'none';
}

export interface FixtureImage {
  /** `repository:tag` without a registry. */
  name: string;
  layers: FixtureLayer[];
  config?: Record<string, unknown>;
  /** Wrapped in an index beside a foreign platform's entry. */
  index?: boolean;
  /** As images say it (`amd64`); default this machine's. */
  architecture?: string;
}

export interface Pushed {
  name: string;
  /** Of what the tag points to. */
  digest: string;
  configDigest: string;
}

/** The images named at the top of this file, over this machine's busybox or another machine's. */
export function fixtureImages({ busybox = '/bin/busybox', architecture }: { busybox?: string; architecture?: string } = {}): FixtureImage[] {
  return imagesOver(busyboxLayer(busybox)).map((image) => ({ ...image, ...(architecture !== undefined && { architecture }) }));
}

function imagesOver(base: Buffer): FixtureImage[] {
  const shell = { Cmd: ['sh'], Env: ['PATH=/bin:/sbin:/usr/bin:/usr/sbin'] };
  const web = (tag: string): FixtureImage => ({
    name: `web:${tag}`,
    layers: [{ tar: base }, { tar: packTree({ 'bin/web': { text: WEB, mode: 0o755 }, 'etc/web-version': { text: `${tag}\n` } }) }],
    config: { ...shell, Cmd: ['/bin/web'], ExposedPorts: { '80/tcp': {} } },
  });
  return [
    { name: 'busybox:1', layers: [{ tar: base }], config: shell, index: true },
    web('1'), web('2'), web('3'),
    { name: 'nonroot:1', layers: [{ tar: base, compression: 'zstd' }], config: { ...shell, User: '1234', WorkingDir: '/home/user' } },
    {
      name: 'whiteout:1',
      layers: [
        { tar: packTree({ 'gone/file': { text: 'a' }, 'kept/file': { text: 'b' }, 'opaque/old': { text: 'c' }, 'opaque/deep/old': { text: 'd' } }) },
        { tar: packTree({ 'kept/.wh.other': { text: '' }, '.wh.gone': { text: '' }, 'opaque/.wh..wh..opq': { text: '' }, 'opaque/new': { text: 'e' } }) },
      ],
      config: shell,
    },
  ];
}

// Goes on serving for a second after SIGTERM, as servers behind a Service should.
const WEB = `#!/bin/sh
mkdir -p /tmp/www
hostname > /tmp/www/index.html
cp /etc/web-version /tmp/www/version
httpd -f -vv -p "\${PORT:-80}" -h /tmp/www &
trap 'echo stopping; sleep 1; kill %1; exit 0' TERM
echo "serving on \${PORT:-80}"
wait %1
`;

const busyboxLayers = new Map<string, Buffer>();

function busyboxLayer(program: string): Buffer {
  const made = busyboxLayers.get(program) ?? packDirectory((root) => {
    for (const folder of ['bin', 'etc', 'root', 'home/user', 'var', 'usr/bin', 'proc', 'sys', 'dev', 'run']) mkdirSync(join(root, folder), { recursive: true });
    mkdirSync(join(root, 'tmp'));
    chmodSync(join(root, 'tmp'), 0o1777);
    copyFileSync(program, join(root, 'bin/busybox'));
    for (const applet of execFileSync('busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n')) if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/bin/false\nuser:x:1234:1234:user:/home/user:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n');
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\nwww-data:x:33:\nuser:x:1234:\nextra:x:5000:user\nnobody:x:65534:\n');
    writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n');
  });
  busyboxLayers.set(program, made);
  return made;
}

export type Tree = Record<string, { text: string | Buffer; mode?: number; uid?: number; gid?: number }>;

/** A tar of files with the given texts, and the folders they need. */
export function packTree(tree: Tree): Buffer {
  return packDirectory((root) => {
    for (const [path, { text, mode = 0o644 }] of Object.entries(tree)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
      chmodSync(join(root, path), mode);
    }
  });
}

/** A tar with exactly these headers: for hostile archives. */
export function packRaw(entries: readonly { name: string; type: string; link?: string }[]): Buffer {
  const blocks = entries.map(({ name, type, link }) => formatTarEntry({ name, type, mode: 0o644, uid: 0, gid: 0, mtime: 0 }, link === undefined ? {} : { linkpath: link }));
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function packDirectory(fill: (root: string) => void): Buffer {
  const root = mkdtempSync(join(tmpdir(), `skiff-image-${String(process.pid)}-`));
  try {
    chmodSync(root, 0o755);
    fill(root);
    return execFileSync('tar', ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '-C', root, '-cf', '-', '.'], { maxBuffer: 64 << 20 });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

export interface Blob {
  mediaType: string;
  digest: string;
  size: number;
  bytes: Buffer;
}

export interface BuiltImage {
  config: Blob;
  layers: Blob[];
  manifest: Blob;
  /** What an index lists for another platform. */
  other: Blob;
  /** Index or manifest: what the tag points to. */
  top: Blob;
}

export function buildImage(image: FixtureImage): BuiltImage {
  const layers = image.layers.map(({ tar, compression = 'gzip' }) => {
    const bytes = compression === 'gzip' ? gzipSync(tar, { level: 1 }) : compression === 'zstd' ? zstdCompressSync(tar) : tar;
    return blob(`application/vnd.oci.image.layer.v1.tar${compression === 'none' ? '' : `+${compression}`}`, bytes);
  });
  const architecture = image.architecture ?? (process.arch === 'x64' ? 'amd64' : process.arch);
  const config = document('application/vnd.oci.image.config.v1+json', {
    created: '1970-01-01T00:00:00Z', architecture, os: 'linux', config: image.config ?? {},
    rootfs: { type: 'layers', diff_ids: image.layers.map(({ tar }) => `sha256:${hash('sha256', tar)}`) },
  });
  const manifest = document('application/vnd.oci.image.manifest.v1+json', { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config: describe(config), layers: layers.map(describe) });
  // The registry refuses an index whose entries it has not: the other platform's is a manifest that exists, of an image nobody can run.
  const other = document('application/vnd.oci.image.manifest.v1+json', { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config: describe(config), layers: [] });
  const foreign = { ...describe(other), platform: { os: 'windows', architecture: 'arm' } };
  const index = document('application/vnd.oci.image.index.v1+json', { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [foreign, { ...describe(manifest), platform: { os: 'linux', architecture } }] });
  return { config, layers, manifest, other, top: image.index === true ? index : manifest };
}

/** Pushes under `prefix` (`library/` for what pods call `busybox:1` through a mirror of docker.io). */
export async function pushImages(url: string, images: readonly FixtureImage[] = fixtureImages(), prefix = ''): Promise<Pushed[]> {
  const pushed: Pushed[] = [];
  for (const image of images) {
    const { config, layers, manifest, other, top } = buildImage(image);
    const [repository = '', tag = 'latest'] = `${prefix}${image.name}`.split(':');
    for (const part of [config, ...layers]) await pushBlob(`${url}/v2/${repository}`, part);
    for (const one of [manifest, other]) await put(`${url}/v2/${repository}/manifests/${one.digest}`, one);
    await put(`${url}/v2/${repository}/manifests/${tag}`, top);
    pushed.push({ name: `${repository}:${tag}`, digest: top.digest, configDigest: config.digest });
  }
  return pushed;
}

/** A `docker save` archive. */
export function saveArchive(image: FixtureImage): Buffer {
  const { config, layers } = buildImage(image);
  const root = mkdtempSync(join(tmpdir(), `skiff-archive-${String(process.pid)}-`));
  try {
    layers.forEach(({ bytes }, at) => writeFileSync(join(root, `${String(at)}.tar`), bytes));
    writeFileSync(join(root, 'config.json'), config.bytes);
    writeFileSync(join(root, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: [image.name], Layers: layers.map((_, at) => `${String(at)}.tar`) }]));
    return execFileSync('tar', ['-C', root, '-cf', '-', 'manifest.json', 'config.json', ...layers.map((_, at) => `${String(at)}.tar`)], { maxBuffer: 64 << 20 });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function pushBlob(repository: string, part: Blob): Promise<void> {
  if ((await fetch(`${repository}/blobs/${part.digest}`, { method: 'HEAD' })).ok) return;
  const upload = await fetch(`${repository}/blobs/uploads/`, { method: 'POST' });
  const target = new URL(upload.headers.get('location') ?? '', repository);
  target.searchParams.set('digest', part.digest);
  await put(target.href, { ...part, mediaType: 'application/octet-stream' });
}

async function put(url: string, { bytes, mediaType }: Blob): Promise<void> {
  const response = await fetch(url, { method: 'PUT', body: new Uint8Array(bytes), headers: { 'content-type': mediaType } });
  if (!response.ok) throw new Error(`PUT ${url}: ${String(response.status)} ${await response.text()}`);
}

export function document(mediaType: string, value: unknown): Blob {
  return blob(mediaType, Buffer.from(JSON.stringify(value)));
}

function blob(mediaType: string, bytes: Buffer): Blob {
  return { mediaType, bytes, size: bytes.length, digest: `sha256:${hash('sha256', bytes)}` };
}

export function describe({ mediaType, digest, size }: Blob): Record<string, unknown> {
  return { mediaType, digest, size };
}
