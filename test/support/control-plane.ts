// The real control plane in this process, without other loops than those of custom resources and without a node: SQLite in a temporary folder, TLS on a free loopback port.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../internal/base/clock.ts';
import { startAll } from '../../internal/base/component.ts';
import { createLog } from '../../internal/base/log.ts';
import { systemRandom } from '../../internal/base/random.ts';
import { MASTERS_GROUP } from '../../internal/api/user.ts';
import { openAuthority } from '../../internal/cluster/authority.ts';
import { createLeaves } from '../../internal/cluster/leaves.ts';
import { formatKubeconfig } from '../../internal/cluster/kubeconfig.ts';
import type { Store } from '../../internal/store/store.ts';
import type { ApiServer } from '../../internal/http/server.ts';
import { createControlPlane } from '../../cmd/control-plane.ts';
import { readSettings } from '../../cmd/settings.ts';

export interface RunningControlPlane {
  url: string;
  port: number;
  ca: string;
  cert: string;
  key: string;
  /** The admin's, as text. */
  kubeconfig: string;
  /** What the API itself would not let in goes here. */
  store: Store;
  /** Ends the server; the data stays for another start. */
  stop(): Promise<void>;
  /** Ends it and leaves nothing behind. */
  remove(): Promise<void>;
}

/** Custom resources belong to the API: what makes them of their definitions runs without the other loops too. */
const ALWAYS: ReadonlySet<string> = new Set(['store', 'audit log', 'custom-kinds', 'policy', 'api server', 'crd-naming-condition-controller', 'crd-finalizer']);

/** `port` 0 is a free one; `directory` another start's data folder. */
export async function startControlPlane({ port = 0, directory = mkdtempSync(join(tmpdir(), `skiff-api-${String(process.pid)}-`)), loops = false, flags = [] as readonly string[] } = {}): Promise<RunningControlPlane & { directory: string }> {
  const settings = { ...readSettings('server', ['--data-dir', directory, '--bind-address', '127.0.0.1', ...flags], {}), 'https-listen-port': port };
  const authority = openAuthority(join(directory, 'server/tls'), { clock: systemClock, random: systemRandom });
  const log = createLog({ level: 'error', format: 'text', clock: systemClock, write: (line) => void process.stderr.write(line) });
  const leaves = createLeaves({ authority, clock: systemClock, log });
  const plane = await createControlPlane(settings, { authority, leaves, addresses: () => ['192.0.2.1'], nodeName: 'n1', passwords: () => [], log });
  const wanted = plane.components.filter(({ name }) => loops || ALWAYS.has(name));
  const running = await startAll(wanted, log);
  const server = plane.components.find(({ name }) => name === 'api server') as ApiServer;
  const url = `https://127.0.0.1:${String(server.port)}`;
  const ca = authority.serverCa.certificate;
  const admin = authority.leaf('client-admin', 'clientCa', { subject: { commonName: 'system:admin', organizations: [MASTERS_GROUP] }, usages: ['client'] });
  return {
    url, port: server.port, store: plane.pipeline.options.store, ca, cert: admin.certificate, key: admin.key, directory,
    kubeconfig: formatKubeconfig({ url, ca, certificate: admin.certificate, key: admin.key }),
    stop: () => running.stop(),
    async remove() {
      await running.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
