// The process of a shared PID namespace (see pause-program.ts), run by runc in a root that holds nothing else.
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tryCommand } from '../../../internal/base/command.ts';
import { readFileIfThere } from '../../../internal/base/files.ts';
import { usersPinOf } from './bundle.ts';
import { cgroupsPathOf, isSlice } from './container-cgroup.ts';
import { wordsOf, type Ground } from './ground.ts';
import { pauseProgram } from './pause-program.ts';
import { isAlive, processOf, signal } from './process.ts';
import type { SandboxRecord } from './records.ts';
import { mappingsOf } from './spec.ts';


const SIGKILL = 9;

export async function startPause(ground: Ground, record: SandboxRecord): Promise<void> {
  const bundle = join(ground.layout.sandboxes, record.id, 'pause');
  const { userNamespace } = record.config;
  const root = rootOf(ground, record);
  for (const folder of [bundle, root]) mkdirSync(folder, { recursive: true });
  if (userNamespace !== undefined) {
    (await import('./user-namespace.ts')).openRoots(ground.layout.roots);
    chownSync(root, userNamespace.hostId, userNamespace.hostId); // runc makes its mount points as the root inside
  }
  writeFileSync(join(root, 'pause'), pauseProgram());
  chmodSync(join(root, 'pause'), 0o755);
  writeFileSync(join(bundle, 'config.json'), JSON.stringify({
    ociVersion: '1.0.2',
    process: { user: { uid: 65535, gid: 65535 }, args: ['/pause'], cwd: '/', env: [], noNewPrivileges: true, capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] } },
    root: { path: root, readonly: true },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: { cgroupsPath: cgroupsPathOf(ground, record.config.cgroupParent, record.id), namespaces: [{ type: 'pid' }, { type: 'mount' }, ...(userNamespace === undefined ? [] : [{ type: 'user', path: usersPinOf(ground, record) }])], ...(userNamespace !== undefined && mappingsOf(userNamespace)) },
  }));
  // It keeps what it is given as its streams: nothing that anyone waits for.
  const result = await tryCommand('sh', ['-c', 'exec "$@" </dev/null >/dev/null 2>"$0"', join(bundle, 'error'), ground.ociRuntime, '--root', ground.layout.runc, ...(isSlice(record.config.cgroupParent) ? ['--systemd-cgroup'] : []), 'run', '--detach', '--bundle', bundle, '--pid-file', join(bundle, 'pid'), record.id]);
  if (result.code !== 0) throw new Error(`the pod's PID namespace cannot be made: ${wordsOf(readFileIfThere(join(bundle, 'error')) ?? '')}`);
  const pause = processOf(Number(readFileIfThere(join(bundle, 'pid'))));
  if (pause === undefined) throw new Error("the process that holds the pod's PID namespace has gone");
  record.pause = pause;
}

export async function stopPause(ground: Ground, record: SandboxRecord): Promise<void> {
  if (!record.config.shareProcessNamespace || record.config.hostPid) return;
  if (isAlive(record.pause)) signal(record.pause, SIGKILL);
  await ground.runc('delete', '--force', record.id);
  for (const folder of [join(ground.layout.sandboxes, record.id, 'pause'), rootOf(ground, record)]) rmSync(folder, { recursive: true, force: true });
}

function rootOf({ layout }: Ground, { id, config }: SandboxRecord): string {
  return config.userNamespace === undefined ? join(layout.sandboxes, id, 'pause/rootfs') : join(layout.roots, id);
}
