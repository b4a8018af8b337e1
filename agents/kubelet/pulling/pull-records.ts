// Who may use an image that is here (KEP-2535): for each image that was pulled, which secrets it came with, or that it needs none. A pod that has none of
// them has to pull it again, so that a private image is not anyone's for its name alone. Files and words are upstream's, so that its tools and an
// upstream kubelet on the same folder read them:
//   <kubelet root>/image_manager/pulling/sha256-<of the name>    ImagePullIntent: being pulled; found at a start: was, and who knows for whom
//   <kubelet root>/image_manager/pulled/sha256-<of the image id> ImagePulledRecord
import { hash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { formatTime } from '../../../internal/api/meta.ts';
import type { Clock } from '../../../internal/base/clock.ts';
import { namesIn, readFileIfThere, writeFileAtomically } from '../../../internal/base/files.ts';
import type { KubeletConfiguration } from '../configuration/configuration.ts';
import type { FoundCredential, SecretSource } from './pull-secrets.ts';

export interface PullRecords {
  /** Intents of another life become records that say nothing; records of images that are gone go. */
  start(images: { find(name: string): { id: string } | undefined; list(): readonly { id: string }[] }): void;
  /** Whether a pod may use the image as it stands; its credentials are asked for only when that matters. */
  mayUse(image: string, id: string, credentials: () => Promise<readonly FoundCredential[]>): Promise<boolean>;
  /** Notes that a pull begins; the result is to be called with what came of it. */
  pulling(image: string): (pulled?: { id: string; with: FoundCredential | undefined }) => void;
  forget(id: string): void;
}

interface PulledSecret {
  uid: string;
  namespace: string;
  name: string;
  credentialHash: string;
}

interface Credentials {
  nodePodsAccessible?: boolean;
  kubernetesSecrets?: PulledSecret[];
  kubernetesServiceAccounts?: SecretSource[];
}

interface PulledRecord {
  lastUpdatedTime: string;
  imageRef: string;
  credentialMapping?: Record<string, Credentials>;
}

type Policy = Pick<KubeletConfiguration, 'imagePullCredentialsVerificationPolicy' | 'preloadedImagesVerificationAllowlist'>;

/** Secrets that are noted because they hold what another one did. */
const SECRETS_MAX = 100;

export function openPullRecords(kubeletDir: string, { clock, settings }: { clock: Clock; settings: Policy }): PullRecords {
  const [pullingDir, pulledDir] = [join(kubeletDir, 'image_manager/pulling'), join(kubeletDir, 'image_manager/pulled')];
  const underWay = new Map<string, number>();

  const read = (id: string): PulledRecord | undefined => {
    const record = parse<PulledRecord>(readFileIfThere(join(pulledDir, fileOf(id))));
    return record?.imageRef === id ? record : undefined;
  };
  const note = (image: string, id: string, credentials: Credentials | undefined): void => {
    const record = read(id);
    const mapping = record?.credentialMapping ?? {};
    const merged = credentials === undefined ? mapping : { ...mapping, [repositoryIn(image)]: merge(mapping[repositoryIn(image)], credentials) };
    if (record !== undefined && JSON.stringify(merged) === JSON.stringify(mapping)) return;
    write(join(pulledDir, fileOf(id)), 'ImagePulledRecord', { lastUpdatedTime: formatTime(clock.now()), imageRef: id, credentialMapping: merged });
  };
  const endIntent = (image: string): void => {
    const left = (underWay.get(image) ?? 1) - 1;
    if (left > 0) return void underWay.set(image, left);
    underWay.delete(image);
    rmSync(join(pullingDir, fileOf(image)), { force: true });
  };

  return {
    start(images) {
      for (const name of namesIn(pullingDir)) {
        const intent = parse<{ image: string }>(readFileIfThere(join(pullingDir, name)));
        const here = intent === undefined ? undefined : images.find(intent.image);
        if (intent !== undefined && here !== undefined) note(intent.image, here.id, undefined);
        rmSync(join(pullingDir, name), { force: true });
      }
      const known = new Set(images.list().map(({ id }) => fileOf(id)));
      for (const name of namesIn(pulledDir)) if (!known.has(name)) rmSync(join(pulledDir, name), { force: true });
    },
    async mayUse(image, id, credentials) {
      const record = read(id);
      if (!mustVerify(image, record !== undefined || underWay.has(image), settings)) return true;
      const noted = record?.credentialMapping?.[repositoryIn(image)];
      if (noted?.nodePodsAccessible === true) return true;
      const [secrets, accounts] = [noted?.kubernetesSecrets ?? [], noted?.kubernetesServiceAccounts ?? []];
      if (secrets.length === 0 && accounts.length === 0) return false;
      const asked = await credentials();
      if (asked.some(({ serviceAccount: account }) => account !== undefined && accounts.some((one) => isSame(one, account)))) return true;
      const found = asked.flatMap((credential) => secretOf(credential) ?? []).find((one) => secrets.some((other) => one.credentialHash === other.credentialHash || isSame(one, other)));
      // Another secret with the same words, or the same one with new words: it is noted, so that it counts when the first is gone.
      if (found !== undefined && secrets.length < SECRETS_MAX) note(image, id, { kubernetesSecrets: [found] });
      return found !== undefined;
    },
    pulling(image) {
      underWay.set(image, (underWay.get(image) ?? 0) + 1);
      write(join(pullingDir, fileOf(image)), 'ImagePullIntent', { image });
      return (pulled) => {
        const secret = pulled?.with === undefined ? undefined : secretOf(pulled.with);
        const account = pulled?.with?.serviceAccount;
        if (pulled !== undefined) note(image, pulled.id, secret !== undefined ? { kubernetesSecrets: [secret] } : account !== undefined ? { kubernetesServiceAccounts: [account] } : { nodePodsAccessible: true });
        endIntent(image);
      };
    },
    forget: (id) => rmSync(join(pulledDir, fileOf(id)), { force: true }),
  };
}

function mustVerify(image: string, pulledByUs: boolean, { imagePullCredentialsVerificationPolicy: policy, preloadedImagesVerificationAllowlist: allowed }: Policy): boolean {
  if (policy === 'NeverVerify') return false;
  if (policy === 'AlwaysVerify') return true;
  if (policy === 'NeverVerifyPreloadedImages') return pulledByUs;
  const repository = repositoryIn(image);
  return !allowed.some((pattern) => (pattern.endsWith('/*') ? repository.startsWith(pattern.slice(0, -1)) : repository === pattern));
}

/** The name as the pod has it, without tag and digest. */
function repositoryIn(image: string): string {
  const name = image.split('@')[0] ?? '';
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
}

/** Of who may use it already and who may now; what needs no secret needs none from then on. */
function merge(before: Credentials | undefined, now: Credentials): Credentials {
  if (before?.nodePodsAccessible === true || now.nodePodsAccessible === true) return { nodePodsAccessible: true };
  const others = (before?.kubernetesSecrets ?? []).filter((old) => now.kubernetesSecrets?.some((one) => isSame(one, old)) !== true);
  const key = ({ namespace, name, uid }: SecretSource): string => `${namespace}/${name}/${uid}`;
  const accounts = [...(before?.kubernetesServiceAccounts ?? []).filter((old) => now.kubernetesServiceAccounts?.some((one) => isSame(one, old)) !== true), ...now.kubernetesServiceAccounts ?? []];
  const secrets = [...others, ...now.kubernetesSecrets ?? []].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return { ...(secrets.length > 0 && { kubernetesSecrets: secrets }), ...(accounts.length > 0 && { kubernetesServiceAccounts: accounts.sort((a, b) => (key(a) < key(b) ? -1 : 1)) }) };
}

function isSame(one: SecretSource, other: SecretSource): boolean {
  return one.uid === other.uid && one.namespace === other.namespace && one.name === other.name;
}

function secretOf({ source, username, password, email }: FoundCredential): PulledSecret | undefined {
  if (source === undefined) return undefined;
  const words = JSON.stringify({ ...(username !== '' && { username }), ...(password !== '' && { password }), ...(email !== '' && { email }) });
  const asGoWritesIt = words.replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return { uid: source.uid, namespace: source.namespace, name: source.name, credentialHash: hash('sha256', asGoWritesIt) };
}

function fileOf(name: string): string {
  return `sha256-${hash('sha256', name)}`;
}

function write(path: string, kind: string, fields: object): void {
  writeFileAtomically(path, `${JSON.stringify({ kind, apiVersion: 'kubelet.config.k8s.io/v1beta1', ...fields })}\n`, { mode: 0o600 });
}

/** One that cannot be read says nothing: then it is pulled again. */
function parse<T>(text: string | undefined): T | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}
