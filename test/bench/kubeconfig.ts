// Address and credentials out of a kubeconfig with inline data.

export function parse(text: string): { port: number; tls: { ca: string; cert: string; key: string } } {
  const field = (name: string): string => new RegExp(`\\b${name}"?: *"?([^\\s",]+)`).exec(text)?.[1] ?? '';
  const port = Number(/https:\/\/[^:]+:(\d+)/.exec(field('server'))?.[1] ?? Number.NaN);
  const pem = (name: string): string => Buffer.from(field(name), 'base64').toString();
  const tls = { ca: pem('certificate-authority-data'), cert: pem('client-certificate-data'), key: pem('client-key-data') };
  if (Number.isNaN(port) || tls.ca === '' || tls.cert === '' || tls.key === '') throw new Error('the kubeconfig is not whole');
  return { port, tls };
}
