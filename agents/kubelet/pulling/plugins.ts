// Credentials that programs of the node know (image credential providers): one is run with the image's name as a CredentialProviderRequest on
// its stdin, and says on stdout what to sign in with, for which registries, and for how long that holds. Of several requests for the same image
// at once the program is run for one. What goes wrong with a program is logged, and the pull tried without it.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { parseDuration } from '../../../internal/api/duration.ts';
import type { Clock } from '../../../internal/base/clock.ts';
import { tryCommand } from '../../../internal/base/command.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import type { Log } from '../../../internal/base/log.ts';
import type { Pod, ServiceAccount } from '../../../internal/kinds/generated/api-types.ts';
import { formatImageName, parseImageName } from '../../images/image-name.ts';
import type { PluginConfig } from './plugin-config.ts';
import { credentialsIn, isNamedBy, type FoundCredential, type SecretSource } from './pull-secrets.ts';

export interface CredentialPlugins {
  credentialsFor(pod: Pod, image: string): Promise<FoundCredential[]>;
}

export interface PluginOptions {
  binDir: string;
  clock: Pick<Clock, 'now'>;
  log: Log;
  serviceAccount(namespace: string, name: string): Promise<ServiceAccount>;
  token(pod: Pod, audience: string): Promise<string>;
}

interface Response {
  kind?: string;
  apiVersion?: string;
  cacheKeyType?: string;
  cacheDuration?: string;
  auth?: Record<string, { username?: string; password?: string }>;
}

/** For whom a program is asked: what it is told of the pod's service account, and what its answer is kept by. */
interface Identity {
  token?: string;
  annotations?: Record<string, string>;
  source?: SecretSource;
  key: string;
}

const TIMEOUT_MS = 60_000;
const GLOBAL = '<global>';

export function createCredentialPlugins(configs: readonly PluginConfig[], options: PluginOptions): CredentialPlugins {
  const plugins = configs.map((config) => ({ config, ask: createPlugin(config, options) }));
  return {
    async credentialsFor(pod, name) {
      const { registry, repository } = parseImageName(formatImageName(parseImageName(name)));
      const image = `${registry}/${repository}`;
      const asked = plugins.filter(({ config }) => config.matchImages.some((pattern) => isNamedBy(pattern, { registry, repository })));
      const answers = await Promise.all(asked.map(({ config, ask }) => ask(pod, image).catch((error: unknown) => {
        options.log.error('Failed to provide credentials for image', { provider: config.name, image, error: messageOf(error) });
        return undefined;
      })));
      return answers.flatMap((answer) => (answer === undefined ? [] : credentialsIn([{ text: JSON.stringify({ auths: answer.auth }) }], name).map((found) => ({ ...found, ...(answer.source !== undefined && { serviceAccount: answer.source }) }))));
    },
  };
}

interface Provided {
  auth: NonNullable<Response['auth']>;
  source?: SecretSource;
}

function createPlugin(config: PluginConfig, options: PluginOptions): (pod: Pod, image: string) => Promise<Provided | undefined> {
  const kept = new Map<string, { auth: Provided['auth']; until: number }>();
  const underWay = new Map<string, Promise<Response>>();

  /** `image`, its registry, or anything: by what the program said that its answer is for. */
  function keptFor(image: string, { key }: Identity): Provided['auth'] | undefined {
    for (const [name, { until }] of kept) if (until < options.clock.now()) kept.delete(name);
    return [image, registryOf(image), GLOBAL].map((name) => kept.get(`${name} ${key}`)?.auth).find((auth) => auth !== undefined);
  }

  function once(image: string, identity: Identity): Promise<Response> {
    const key = `${image} ${identity.key} ${identity.token ?? ''}`;
    const mine = underWay.get(key) ?? run(config, { image, identity, binDir: options.binDir }).finally(() => underWay.delete(key));
    underWay.set(key, mine);
    return mine;
  }

  return async (pod, image) => {
    const identity = await identityOf(config, pod, options);
    if (identity === undefined) return undefined;
    const source = identity.source === undefined ? {} : { source: identity.source };
    const known = keptFor(image, identity);
    if (known !== undefined) return { auth: known, ...source };
    const { auth = {}, cacheKeyType = '', cacheDuration } = await once(image, identity);
    const echoed = identity.token !== undefined && config.tokenAttributes?.cacheType !== 'Token' && Object.values(auth).some(({ password }) => password === identity.token);
    if (echoed) throw new Error('credential provider plugin returned the service account token as the password which is not allowed when service account cache type is not set to \'Token\'');
    const name = { Image: image, Registry: registryOf(image), Global: GLOBAL }[cacheKeyType];
    if (name === undefined) throw new Error(`credential provider plugin did not return a valid cacheKeyType: ${cacheKeyType}`);
    const forMs = parseDuration(cacheDuration ?? config.defaultCacheDuration);
    if (forMs > 0) kept.set(`${name} ${identity.key}`, { auth, until: options.clock.now() + forMs });
    return { auth, ...source };
  };
}

function registryOf(image: string): string {
  return image.split('/')[0] ?? '';
}

/** undefined: this pod is not for the program. */
async function identityOf({ tokenAttributes }: PluginConfig, pod: Pod, { serviceAccount, token }: PluginOptions): Promise<Identity | undefined> {
  if (tokenAttributes === undefined) return { key: '' };
  const { serviceAccountTokenAudience, requireServiceAccount, requiredServiceAccountAnnotationKeys: required = [], optionalServiceAccountAnnotationKeys: optional = [], cacheType } = tokenAttributes;
  const [name, namespace] = [pod.spec.serviceAccountName ?? '', pod.metadata.namespace ?? ''];
  if (name === '') return requireServiceAccount ? undefined : { key: '' };
  const { metadata } = await serviceAccount(namespace, name);
  const of = metadata.annotations ?? {};
  // A missing one is how a workload says that it does not take part.
  if (required.some((key) => of[key] === undefined)) return undefined;
  const annotations = Object.fromEntries([...required, ...optional].flatMap((key) => (of[key] === undefined ? [] : [[key, of[key]]])).sort());
  const issued = await token(pod, serviceAccountTokenAudience);
  const key = JSON.stringify([namespace, name, metadata.uid, annotations, ...(cacheType === 'Token' ? [pod.metadata.name, pod.metadata.uid, createHash('sha256').update(issued).digest('hex')] : [])]);
  return { token: issued, annotations, source: { uid: metadata.uid, namespace, name }, key };
}

async function run({ name, apiVersion, args = [], env = [] }: PluginConfig, { image, identity, binDir }: { image: string; identity: Identity; binDir: string }): Promise<Response> {
  const request = { kind: 'CredentialProviderRequest', apiVersion, image, ...(identity.token !== undefined && { serviceAccountToken: identity.token }), ...(identity.annotations !== undefined && Object.keys(identity.annotations).length > 0 && { serviceAccountAnnotations: identity.annotations }) };
  const { code, stdout, stderr } = await tryCommand(join(binDir, name), args, { input: `${JSON.stringify(request)}\n`, env: Object.fromEntries(env.map((one) => [one.name, one.value])), timeoutMs: TIMEOUT_MS, group: true });
  if (code !== 0) throw new Error(`error execing credential provider plugin ${name} for image ${image}: exit status ${String(code)}: ${stderr}`);
  return answerIn(stdout, apiVersion);
}

/** What cannot be read is not told of: there may be credentials in it. */
function answerIn(stdout: string, apiVersion: string): Response {
  let response: Response | undefined;
  try {
    response = JSON.parse(stdout) as Response;
  } catch { /* told below */ }
  if (response === undefined || response.kind !== 'CredentialProviderResponse') throw new Error('error decoding credential provider plugin response from stdout');
  if (response.apiVersion !== apiVersion) throw new Error(`apiVersion from credential plugin response did not match expected apiVersion:${apiVersion}, actual apiVersion:${response.apiVersion ?? ''}`);
  return response;
}
