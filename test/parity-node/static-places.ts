// The places of static pods on a node: a folder that is seen from here, and a URL that is served from here.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import type { StaticPlaces } from './case.ts';

export const STATIC_PORT = 8899;

export async function openStaticPlaces(folder: string, address: string): Promise<StaticPlaces & { close(): void }> {
  mkdirSync(folder, { recursive: true });
  const served = new Map<string, object>();
  const server = createServer((_request, response) => void response.end(JSON.stringify({ apiVersion: 'v1', kind: 'PodList', items: [...served.values()] })));
  server.listen(STATIC_PORT, address);
  await once(server, 'listening');
  return {
    write(file, text) {
      if (text === undefined) return rmSync(join(folder, file), { force: true });
      writeFileSync(join(folder, `.${file}`), text);
      renameSync(join(folder, `.${file}`), join(folder, file));
    },
    serve(key, pod) {
      if (pod === undefined) served.delete(key);
      else served.set(key, pod);
    },
    close: () => void server.close(),
  };
}
