// Which credentials a pod's pull secrets hold for an image, by upstream's rules: entries name a host (`*` within its parts) and may name the
// beginning of a path; of several that fit the longest name is tried first. Pure.
import { formatImageName, parseImageName } from '../../images/image-name.ts';
import type { RegistryAuth } from '../../images/image-store.ts';

const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_KEY = 'index.docker.io';

/** Whose credentials they are; absent: the node's own, which every pod may use. */
export interface SecretSource {
  uid: string;
  namespace: string;
  name: string;
}

export interface FoundCredential extends RegistryAuth {
  email: string;
  source?: SecretSource;
  /** For whose pods a plugin gave it. */
  serviceAccount?: SecretSource;
}

interface Entry {
  key: string;
  auth: FoundCredential;
}

/** `configs`: the decoded `.dockerconfigjson` or `.dockercfg` of each secret. One that cannot be read is as good as none, as upstream has it. */
export function credentialsIn(configs: readonly { text: string; source?: SecretSource }[], image: string): FoundCredential[] {
  const { registry, repository } = parseImageName(formatImageName(parseImageName(image)));
  const found = configs.flatMap(({ text, source }) => parseDockerConfig(text).map(({ key, auth }) => ({ key, auth: { ...auth, ...(source !== undefined && { source }) } })));
  const entries = found.sort((a, b) => (a.key < b.key ? 1 : a.key > b.key ? -1 : 0));
  const fitting = entries.filter(({ key }) => fits(key, registry, `/${repository}`));
  const chosen = fitting.length > 0 || registry !== DOCKER_HUB ? fitting : entries.filter(({ key }) => key === DOCKER_HUB_KEY);
  return chosen.map(({ auth }) => auth);
}

interface DockerAuth {
  username?: string;
  password?: string;
  auth?: string;
  email?: string;
}

function parseDockerConfig(text: string): Entry[] {
  try {
    const parsed = JSON.parse(text) as { auths?: Record<string, DockerAuth> } & Record<string, DockerAuth>;
    return Object.entries(parsed.auths ?? parsed).flatMap(([name, entry]) => {
      const [key, auth] = [keyOf(name), authOf(entry)];
      return key === undefined || auth === undefined ? [] : [{ key, auth }];
    });
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return [];
    throw error;
  }
}

function keyOf(name: string): string | undefined {
  const [, host = '', path = ''] = /^(?:https?:\/\/)?([^/?#]+)(\/[^?#]*)?/.exec(name) ?? [];
  if (host === '') return undefined;
  const effective = path.replace(/^\/v[12]\//, '/');
  return effective === '/' ? host : host + effective;
}

function authOf({ username = '', password = '', auth = '', email = '' }: DockerAuth): FoundCredential | undefined {
  if (auth === '') return username === '' ? undefined : { username, password, email };
  const decoded = Buffer.from(auth, 'base64').toString();
  const colon = decoded.indexOf(':');
  return colon < 0 ? undefined : { username: decoded.slice(0, colon), password: decoded.slice(colon + 1), email };
}

/** Whether a pattern of a plugin's names the image. */
export function isNamedBy(pattern: string, { registry, repository }: { registry: string; repository: string }): boolean {
  const key = keyOf(pattern);
  return key !== undefined && fits(key, registry, `/${repository}`);
}

function fits(key: string, registry: string, path: string): boolean {
  const slash = key.indexOf('/');
  const [host, prefix] = slash < 0 ? [key, ''] : [key.slice(0, slash), key.slice(slash)];
  const [globs, parts] = [host.split('.'), registry.split('.')];
  return path.startsWith(prefix) && globs.length === parts.length && globs.every((glob, at) => matchesPart(glob, parts[at] ?? ''));
}

/** `*` and `?` stand for anything within a part; the port stands with the last and is to be the same. */
function matchesPart(glob: string, part: string): boolean {
  const [globName = '', globPort = ''] = glob.split(':');
  const [name = '', port = ''] = part.split(':');
  const pattern = globName.replace(/[.+^${}()|\\[\]]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.');
  return globPort === port && new RegExp(`^${pattern}$`).test(name);
}
