// Address and credentials out of a kubeconfig with inline data.
import { parseYaml } from '../../internal/api/yaml.ts';

export interface Credentials {
  url: string;
  /** PEM, as are the others. */
  ca: string;
  cert: string;
  key: string;
}

/** Of its first cluster and user. Throws while it is not whole: its writer may be at it. */
export function parseKubeconfig(text: string): Credentials {
  const { clusters, users } = (parseYaml(text) ?? {}) as { clusters?: { cluster: Record<string, string> }[]; users?: { user: Record<string, string> }[] };
  const fields = { ...clusters?.[0]?.cluster, ...users?.[0]?.user };
  const pem = (name: string): string => Buffer.from(fields[name] ?? '', 'base64').toString();
  const found = { url: fields['server'] ?? '', ca: pem('certificate-authority-data'), cert: pem('client-certificate-data'), key: pem('client-key-data') };
  if (Object.values(found).includes('')) throw new Error('the kubeconfig is not whole');
  return found;
}
