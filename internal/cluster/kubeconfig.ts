// The kubeconfig file of the cluster admin. JSON is YAML: written as plain YAML by hand, since it has one shape.

export interface KubeconfigOptions {
  url: string;
  ca: string;
  certificate: string;
  key: string;
  name?: string;
}

export function formatKubeconfig({ url, ca, certificate, key, name = 'default' }: KubeconfigOptions): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return `apiVersion: v1
kind: Config
clusters:
- name: ${name}
  cluster:
    server: ${url}
    certificate-authority-data: ${base64(ca)}
users:
- name: ${name}
  user:
    client-certificate-data: ${base64(certificate)}
    client-key-data: ${base64(key)}
contexts:
- name: ${name}
  context:
    cluster: ${name}
    user: ${name}
current-context: ${name}
preferences: {}
`;
}
