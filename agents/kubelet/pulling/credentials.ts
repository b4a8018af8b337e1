// What a pod may pull an image with, in upstream's order: its pull secrets (those of its service account stand in the pod already), then the node's own
// `config.json` in the kubelet's folder, then what plugins of the node say.
import { join } from 'node:path';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { SECRETS } from '../../../internal/kinds/generated/resources.ts';
import { readFileIfThere } from '../../../internal/base/files.ts';
import type { NodeContext } from '../node-context.ts';
import { credentialsIn, type FoundCredential, type SecretSource } from './pull-secrets.ts';

const KEYS: Readonly<Record<string, string>> = { 'kubernetes.io/dockerconfigjson': '.dockerconfigjson', 'kubernetes.io/dockercfg': '.dockercfg' };

export async function credentialsFor(pod: Pod, image: string, node: NodeContext): Promise<FoundCredential[]> {
  const secrets: { text: string; source: SecretSource }[] = [];
  const missing: string[] = [];
  for (const { name = '' } of pod.spec.imagePullSecrets ?? []) {
    if (name === '') continue;
    const secret = await node.objects.get(SECRETS, pod.metadata.namespace ?? '', name).catch(() => undefined);
    if (secret === undefined) missing.push(name);
    const text = secret?.data?.[KEYS[secret.type ?? ''] ?? ''];
    if (secret !== undefined && text !== undefined) secrets.push({ text: Buffer.from(text, 'base64').toString(), source: { uid: secret.metadata.uid, namespace: secret.metadata.namespace ?? '', name } });
  }
  if (missing.length > 0) node.event(pod, 'Warning', 'FailedToRetrieveImagePullSecret', `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`);
  const own = readFileIfThere(join(node.kubeletDir, 'config.json'));
  const said = await node.credentialPlugins?.credentialsFor(pod, image) ?? [];
  return [...credentialsIn(secrets, image), ...(own === undefined ? [] : credentialsIn([{ text: own }], image)), ...said];
}
