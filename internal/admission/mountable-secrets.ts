// Which of a pod's secrets its service account does not name: for accounts that carry kubernetes.io/enforce-mountable-secrets.
import type { Container, EphemeralContainer, PodSpec, ServiceAccount } from '../kinds/generated/api-types.ts';

/** As Go reads a boolean. */
export function isTrue(text: string | undefined): boolean {
  return ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text ?? '');
}

/** The first of them, in upstream's words. */
export function unnamedSecret(spec: PodSpec, account: ServiceAccount, subresource: string): string | undefined {
  const named = new Set((account.secrets ?? []).map(({ name }) => name));
  const why = `is not allowed because service account ${account.metadata.name} does not reference that`;
  const inContainers = (containers: readonly (Container | EphemeralContainer)[] | undefined, what: string): string | undefined =>
    (containers ?? []).flatMap((container) => secretsOf(container, what)).filter(([secret]) => !named.has(secret)).map(([secret, where]) => `${where} referencing secret.secretName="${secret}" ${why} secret`)[0];
  if (subresource === 'ephemeralcontainers') return inContainers(spec.ephemeralContainers, 'ephemeral container');
  const volume = (spec.volumes ?? []).find(({ secret }) => secret !== undefined && !named.has(secret.secretName ?? ''));
  if (volume !== undefined) return `volume with secret.secretName="${volume.secret?.secretName ?? ''}" ${why} secret`;
  return inContainers(spec.initContainers, 'init container') ?? inContainers(spec.containers, 'container') ?? unnamedPullSecret(spec, account, why);
}

function secretsOf({ name, env = [], envFrom = [] }: Container | EphemeralContainer, what: string): [string, string][] {
  return [
    ...env.flatMap((variable): [string, string][] => (variable.valueFrom?.secretKeyRef === undefined ? [] : [[variable.valueFrom.secretKeyRef.name ?? '', `${what} ${name} with envVar ${variable.name}`]])),
    ...envFrom.flatMap(({ secretRef }): [string, string][] => (secretRef === undefined ? [] : [[secretRef.name ?? '', `${what} ${name} with envFrom`]])),
  ];
}

function unnamedPullSecret({ imagePullSecrets = [] }: PodSpec, account: ServiceAccount, why: string): string | undefined {
  const named = new Set((account.imagePullSecrets ?? []).map(({ name }) => name));
  const at = imagePullSecrets.findIndex(({ name }) => !named.has(name));
  return at < 0 ? undefined : `imagePullSecrets[${String(at)}].name="${imagePullSecrets[at]?.name ?? ''}" ${why} imagePullSecret`;
}
