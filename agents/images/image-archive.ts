// Image archives: what `docker save` and OCI layouts put into one tar. Read in place; a compressed one is expanded beside first.
import { createWriteStream } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../internal/base/errors.ts';
import { decompressed } from './compression.ts';
import { chooseManifest, digestOf, parseDocument, parseManifest, type Descriptor } from './image-manifest.ts';
import { formatImageName, parseImageName } from './image-name.ts';
import { withinDisk } from './disk-reserve.ts';
import { ImageError } from './image-store.ts';
import { BLOCK, paddingOf, parsePax, parseTarHeader, parseText } from './tar-header.ts';

export interface ArchivedImage {
  /** Normalised. */
  names: string[];
  config: { digest: string; read(): Promise<Buffer> };
  layerSources: { open(): AsyncIterable<Buffer> }[];
}

export interface ImageArchive extends AsyncDisposable {
  images(): ArchivedImage[];
}

const DOCUMENT_BYTES_MAX = 8 << 20;
const INDEX_DEPTH_MAX = 4;

export async function openArchive(path: string, scratch: string): Promise<ImageArchive> {
  const expanded = join(scratch, `.import-${String(process.pid)}-${path.replaceAll('/', '_').slice(-100)}`);
  const plain = await expandIfCompressed(path, expanded);
  const file = await open(plain, 'r');
  const dispose = async (): Promise<void> => {
    await file.close();
    await rm(expanded, { force: true });
  };
  try {
    const members = await listMembers(file);
    const images = members.has('index.json') && members.has('oci-layout') && !members.has('manifest.json') ? await readOciLayout(file, members) : await readDockerSave(file, members);
    return { images: () => images, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface Member {
  offset: number;
  sizeBytes: number;
}

async function listMembers(file: FileHandle): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  const links = new Map<string, string>();
  const block = Buffer.alloc(BLOCK);
  let path: string | undefined;
  for (let offset = 0; (await file.read(block, 0, BLOCK, offset)).bytesRead === BLOCK; ) {
    offset += BLOCK;
    if (block.every((byte) => byte === 0)) continue;
    const header = parseTarHeader(block);
    if (header.type === 'L' || header.type === 'x') {
      const data = await readMember(file, { offset, sizeBytes: header.sizeBytes });
      path = header.type === 'L' ? parseText(data, 0, data.length) : (parsePax(data).get('path') ?? path);
    } else {
      const name = (path ?? header.name).replace(/^\.\//, '');
      if (header.type === '0' || header.type === '\0') members.set(name, { offset, sizeBytes: header.sizeBytes });
      if (header.type === '1' || header.type === '2') links.set(name, header.type === '1' ? header.link : join(name, '..', header.link));
      path = undefined;
    }
    offset += header.sizeBytes + paddingOf(header.sizeBytes);
  }
  for (const [name, target] of links) { // docker save writes layers that occur twice as links
    const member = members.get(target);
    if (member !== undefined) members.set(name, member);
  }
  return members;
}

async function readDockerSave(file: FileHandle, members: ReadonlyMap<string, Member>): Promise<ArchivedImage[]> {
  const list = parseDocument(await readNamed(file, members, 'manifest.json'), 'manifest.json') as { Config: string; RepoTags?: string[] | null; Layers: string[] }[];
  if (!Array.isArray(list) || list.some((entry) => typeof entry?.Config !== 'string' || !Array.isArray(entry.Layers))) throw new Error('not an image archive: manifest.json lists no images');
  return Promise.all(list.map(async ({ Config, RepoTags, Layers }) => {
    const config = await readNamed(file, members, Config);
    return {
      names: (RepoTags ?? []).map((tag) => formatImageName(parseImageName(tag))),
      config: { digest: digestOf(config), read: () => Promise.resolve(config) },
      layerSources: Layers.map((layer) => ({ open: () => streamNamed(file, members, layer) })),
    };
  }));
}

async function readOciLayout(file: FileHandle, members: ReadonlyMap<string, Member>): Promise<ArchivedImage[]> {
  const document = async (name: string): Promise<unknown> => parseDocument(await readNamed(file, members, name), name);
  const blobName = (digest: string): string => `blobs/${digest.replace(':', '/')}`;
  const { manifests } = (await document('index.json')) as { manifests?: Descriptor[] };
  if (!Array.isArray(manifests)) throw new Error('not an image archive: index.json lists no images');
  const read = (digest: string): Promise<Buffer> => readNamed(file, members, blobName(digest)).then((bytes) => verified(bytes, digest));
  const here = manifests.filter((entry) => entry.platform === undefined || isForThisMachine(entry));
  if (here.length === 0) chooseManifest({ manifests }, 'the archive'); // says that there is none for this machine
  return Promise.all(here.map(async (entry) => {
    const { config, layers } = await manifestBelow(entry, read);
    const name = entry.annotations?.['io.containerd.image.name'] ?? entry.annotations?.['org.opencontainers.image.ref.name'];
    return {
      names: name === undefined ? [] : [formatImageName(parseImageName(name))],
      config: { digest: config.digest, read: () => read(config.digest) },
      layerSources: layers.map((layer) => ({ open: () => streamNamed(file, members, blobName(layer.digest)) })),
    };
  }));
}

function isForThisMachine(entry: Descriptor): boolean {
  try {
    return chooseManifest({ manifests: [entry] }, '') === entry;
  } catch {
    return false;
  }
}

async function manifestBelow(entry: Descriptor, read: (digest: string) => Promise<Buffer>): Promise<ReturnType<typeof parseManifest>> {
  let document = parseDocument(await read(entry.digest), entry.digest);
  for (let depth = 0; depth < INDEX_DEPTH_MAX; depth++) {
    const chosen = chooseManifest(document, entry.digest);
    if (chosen === undefined) break;
    document = parseDocument(await read(chosen.digest), chosen.digest);
  }
  return parseManifest(document, entry.digest);
}

function verified(bytes: Buffer, digest: string): Buffer {
  const actual = digestOf(bytes);
  if (actual !== digest) throw new ImageError('ErrImagePull', `${digest} has digest ${actual}`);
  return bytes;
}

async function readNamed(file: FileHandle, members: ReadonlyMap<string, Member>, name: string): Promise<Buffer> {
  return readMember(file, memberOf(members, name));
}

async function readMember(file: FileHandle, { offset, sizeBytes }: Member): Promise<Buffer> {
  if (sizeBytes > DOCUMENT_BYTES_MAX) throw new Error(`the archive is damaged: a document of ${String(sizeBytes)} bytes`);
  const bytes = Buffer.alloc(sizeBytes);
  const { bytesRead } = await file.read(bytes, 0, sizeBytes, offset);
  if (bytesRead !== sizeBytes) throw new Error('the archive ends in the middle');
  return bytes;
}

async function* streamNamed(file: FileHandle, members: ReadonlyMap<string, Member>, name: string): AsyncGenerator<Buffer> {
  const { offset, sizeBytes } = memberOf(members, name);
  for (let done = 0; done < sizeBytes; ) {
    const chunk = Buffer.allocUnsafe(Math.min(64 << 10, sizeBytes - done));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, offset + done);
    if (bytesRead === 0) throw new Error('the archive ends in the middle');
    done += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

function memberOf(members: ReadonlyMap<string, Member>, name: string): Member {
  const member = members.get(name);
  if (member === undefined) throw new Error(`not an image archive: ${name} is missing (wanted: the output of docker save, or an OCI layout)`);
  return member;
}

async function expandIfCompressed(path: string, target: string): Promise<string> {
  const file = await open(path, 'r');
  const head = Buffer.alloc(4);
  await file.read(head, 0, 4, 0);
  await file.close();
  if (head.readUInt16BE(0) !== 0x1f8b && head.readUInt32LE(0) !== 0xfd2fb528) return path;
  const source = await open(path, 'r');
  const written = pipeline(withinDisk(decompressed(source.createReadStream() as AsyncIterable<Buffer>), 'the archive', dirname(target)), createWriteStream(target, { mode: 0o600 }));
  await written.catch(async (error: unknown) => {
    await rm(target, { force: true });
    throw error instanceof ImageError ? error : new Error(`the archive is damaged: ${messageOf(error)}`, { cause: error });
  });
  return target;
}
