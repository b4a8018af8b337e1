// Image names as Docker and containerd normalise them: `nginx` → `docker.io/library/nginx:latest`. Pure.
import { ImageError } from './image-store.ts';

export interface ImageName {
  /** Registry host with port, `docker.io` for Docker Hub. */
  registry: string;
  /** Path below the host: `library/nginx`. */
  repository: string;
  /** Absent when only a digest was given. */
  tag?: string;
  digest?: string;
}

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const HOST = /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[a-f0-9]{64}$/;
const NAME_LENGTH_MAX = 255;

/** Throws ImageError InvalidImageName with upstream's words. */
export function parseImageName(text: string): ImageName {
  const fail = (why: string): never => {
    throw new ImageError('InvalidImageName', `couldn't parse image name "${text}": ${why}`);
  };
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.lastIndexOf(':');
  const tagged = colon > named.lastIndexOf('/');
  const tag = tagged ? named.slice(colon + 1) : undefined;
  const { registry, repository } = splitHost(tagged ? named.slice(0, colon) : named);
  if (digest !== undefined && !DIGEST.test(digest)) fail('invalid reference format');
  if (tag !== undefined && !TAG.test(tag)) fail('invalid reference format');
  if (!HOST.test(registry)) fail('invalid reference format');
  if (!repository.split('/').every((part) => COMPONENT.test(part))) {
    fail(/[A-Z]/.test(repository) ? `invalid reference format: repository name (${repository}) must be lowercase` : 'invalid reference format');
  }
  if (repository.length > NAME_LENGTH_MAX) fail(`repository name must not be more than ${String(NAME_LENGTH_MAX)} characters`);
  return { registry, repository, ...(digest === undefined ? { tag: tag ?? 'latest' } : { ...(tag !== undefined && { tag }), digest }) };
}

/** `docker.io/library/nginx` */
export function repositoryOf(name: ImageName): string {
  return `${name.registry}/${name.repository}`;
}

/** The name under which an image is found again: with its tag, or with its digest where it has one. */
export function formatImageName(name: ImageName): string {
  return name.digest === undefined ? `${repositoryOf(name)}:${name.tag ?? 'latest'}` : `${repositoryOf(name)}@${name.digest}`;
}

export function isImageId(text: string): boolean {
  return DIGEST.test(text);
}

function splitHost(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = first !== '' && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  if (!isHost) return { registry: 'docker.io', repository: name.includes('/') ? name : `library/${name}` };
  const registry = first === 'index.docker.io' ? 'docker.io' : first;
  const rest = name.slice(slash + 1);
  return { registry, repository: registry === 'docker.io' && !rest.includes('/') ? `library/${rest}` : rest };
}
