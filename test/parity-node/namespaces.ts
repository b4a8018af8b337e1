// A namespace for each section, with its ServiceAccount there before the first pod.
import type { Api } from '../support/api.ts';
import { until } from '../support/until.ts';

const GONE_MS = 300_000;

export function namespaceOf(section: string): string {
  return `parity-${section}`;
}

export async function makeNamespaces(api: Api, sections: readonly string[]): Promise<void> {
  await Promise.all(sections.map(async (section) => {
    const name = namespaceOf(section);
    await api.json('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } });
    for (const path of ['serviceaccounts/default', 'configmaps/kube-root-ca.crt']) await until(async () => (await api.send('GET', `/api/v1/namespaces/${name}/${path}`)).status === 200, `${path} of ${name}`);
  }));
}

export async function removeNamespace(api: Api, section: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespaceOf(section)}`;
  if ((await api.send('DELETE', path)).status === 404) return;
  const { items } = await api.json('GET', `${path}/pods`) as unknown as { items: { metadata: { name: string; finalizers?: string[] } }[] };
  for (const { metadata: { name, finalizers } } of items) {
    if (finalizers !== undefined) await api.send('PATCH', `${path}/pods/${name}`, { body: { metadata: { finalizers: null } }, type: 'application/merge-patch+json' });
    await api.send('DELETE', `${path}/pods/${name}`, { body: { gracePeriodSeconds: 0 } });
  }
  await until(async () => (await api.send('GET', path)).status === 404, `${path} to go`, GONE_MS);
}
