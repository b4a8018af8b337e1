// The API asked directly: a test that looks several times a second must not start a program each time.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { parseYaml } from '../../../internal/api/yaml.ts';

interface Kubeconfig {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
}

/** GETs a path as the kubeconfig's user, with no more patience than a few seconds. */
export function openApi(kubeconfig: string): { get<T>(path: string): Promise<T> } {
  const { clusters: [{ cluster } = { cluster: { server: '', 'certificate-authority-data': '' } }], users: [{ user } = { user: { 'client-certificate-data': '', 'client-key-data': '' } }] } = parseYaml(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
  const text = (data: string): Buffer => Buffer.from(data, 'base64');
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: text(cluster['certificate-authority-data']), cert: text(user['client-certificate-data']), key: text(user['client-key-data']) });
  const get = <T>(path: string): Promise<T> => new Promise((resolve, reject) => {
    const asked = request(new URL(path, cluster.server), { agent, timeout: 20_000 }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(pieces).toString();
        if (response.statusCode === 200) resolve(JSON.parse(body));
        else reject(new Error(`GET ${path}: ${String(response.statusCode)} ${body}`));
      });
    });
    asked.on('timeout', () => asked.destroy(new Error(`GET ${path}: no answer`)));
    // A connection that is kept over a kill of the server ends with the next request.
    asked.on('error', (error) => {
      if (asked.reusedSocket) void get<T>(path).then(resolve, reject);
      else reject(error);
    });
    asked.end();
  });
  return { get };
}
