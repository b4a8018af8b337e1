// The upstream to be asked, by its admin's kubeconfig.
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import type { Server } from './exchange.ts';

interface Kubeconfig {
  clusters: { cluster: Record<string, string> }[];
  users: { user: Record<string, string> }[];
}

export function serverOf(path: string): Server {
  const { clusters, users } = load(readFileSync(path, 'utf8')) as Kubeconfig;
  const decode = (text = ''): string => Buffer.from(text, 'base64').toString();
  const { cluster = {} } = clusters[0] ?? {};
  const { user = {} } = users[0] ?? {};
  return { url: cluster['server'] ?? '', ca: decode(cluster['certificate-authority-data']), cert: decode(user['client-certificate-data']), key: decode(user['client-key-data']) };
}
