// The host-path driver and what stands beside it in its deployment, as processes of a test host.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../../support/cluster.ts';

export const DRIVER = 'hostpath.csi.k8s.io';
const SOCKET = '/var/lib/kubelet/plugins/csi-hostpath/csi.sock';
const KUBECONFIG = '/etc/skiff/skiff.yaml';

const FLAGS = {
  'hostpathplugin': ['--drivername', DRIVER, '--endpoint', `unix://${SOCKET}`, '--nodeid', 'n1', '--statedir', '/var/lib/csi-data', '--enable-attach', '--node-expand-required', '--maxvolumespernode', '5', '--capacity', 'slow=10Gi'],
  'csi-node-driver-registrar': ['--csi-address', SOCKET, '--kubelet-registration-path', SOCKET, '--plugin-registration-path', '/var/lib/kubelet/plugins_registry'],
  'csi-provisioner': ['--csi-address', SOCKET, '--kubeconfig', KUBECONFIG, '--feature-gates=Topology=true', '--enable-capacity', '--capacity-ownerref-level=-1', '--capacity-poll-interval=5s'],
  'csi-attacher': ['--csi-address', SOCKET, '--kubeconfig', KUBECONFIG],
  'csi-resizer': ['--csi-address', SOCKET, '--kubeconfig', KUBECONFIG],
} as const;
export type Part = keyof typeof FLAGS;
export const PARTS = Object.keys(FLAGS) as Part[];

export interface Parts {
  start(part: Part): void;
  stop(part: Part): Promise<void>;
  logFile(part: Part): string;
}

/** `folder`: where their executables are. They end with the host. */
export function createParts({ host, lab }: Cluster, folder: string): Parts {
  const running = new Map<Part, ChildProcess>();
  const logFile = (part: Part): string => join(lab.directory, `${part}.log`);
  return {
    logFile,
    start(part) {
      host.run('mkdir', '-p', '/var/lib/kubelet/plugins/csi-hostpath', '/var/lib/csi-data');
      const log = openSync(logFile(part), 'a');
      const [enter, ...rest] = [...host.enter, 'env', 'NAMESPACE=kube-system', 'POD_NAME=none', join(folder, part), '--v=4', ...FLAGS[part]];
      running.set(part, spawn(enter, rest, { stdio: ['ignore', log, log] }));
    },
    async stop(part) {
      const child = running.get(part);
      running.delete(part);
      if (child === undefined || child.exitCode !== null) return;
      const ended = once(child, 'exit');
      host.run('pkill', '-TERM', '-x', part.slice(0, 15));
      await ended;
    },
  };
}
