// The process of a shared PID namespace (see pause-program.ts), run by runc in a root that holds nothing else.
import { chmodSync, chownSync, closeSync, constants, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tryCommand } from '../../../internal/base/command.ts';
import { readFileIfThere } from '../../../internal/base/files.ts';
import { usersPinOf } from './bundle.ts';
import { cgroupsPathOf, isSlice, scopeAnnotations } from './container-cgroup.ts';
import { wordsOf, type Ground } from './ground.ts';
import { pauseProgram } from './pause-program.ts';
import { isAlive, processOf, signal } from './process.ts';
import type { SandboxRecord } from './records.ts';
import { unmount } from './rootfs.ts';
import type { IdRange } from '../runtime.ts';
import { mappingsOf } from './spec.ts';

const SIGKILL = 9;

export async function startPause(ground: Ground, record: SandboxRecord): Promise<void> {
  const bundle = join(ground.layout.sandboxes, record.id, 'pause');
  const { userNamespace } = record.config;
  const root = rootOf(ground, record);
  const files = filesOf(ground, record);
  mkdirSync(files, { recursive: true });
  writeFileSync(join(files, 'pause'), pauseProgram());
  chmodSync(join(files, 'pause'), 0o755);
  if (userNamespace !== undefined) await showTo(userNamespace, { files, root, roots: ground.layout.roots });
  writeFileSync(join(bundle, 'config.json'), JSON.stringify({
    ociVersion: '1.0.2',
    process: { user: { uid: 65535, gid: 65535 }, args: ['/pause'], cwd: '/', env: [], noNewPrivileges: true, capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] } },
    root: { path: root, readonly: true },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    annotations: scopeAnnotations(record.config.cgroupParent),
    linux: {
      cgroupsPath: cgroupsPathOf(ground, record.config.cgroupParent, record.id),
      namespaces: [{ type: 'pid' }, { type: 'mount' }, ...(userNamespace === undefined ? [] : [{ type: 'user', path: usersPinOf(ground, record) }])],
      ...(userNamespace !== undefined && mappingsOf(userNamespace)),
    },
  }));
  // It keeps what it is given as its streams: nothing that anyone waits for.
  const run = [ground.ociRuntime, '--root', ground.layout.runc, ...(isSlice(record.config.cgroupParent) ? ['--systemd-cgroup'] : []), 'run', '--detach', '--bundle', bundle, '--pid-file', join(bundle, 'pid'), record.id];
  const result = await tryCommand('sh', ['-c', 'exec "$@" </dev/null >/dev/null 2>"$0"', join(bundle, 'error'), ...run]);
  if (result.code !== 0) throw new Error(`the pod's PID namespace cannot be made: ${wordsOf(readFileIfThere(join(bundle, 'error')) ?? '')}`);
  const pause = processOf(Number(readFileIfThere(join(bundle, 'pid'))));
  if (pause === undefined) throw new Error("the process that holds the pod's PID namespace has gone");
  record.pause = pause;
}

/** Root inside cannot reach the files where they are; and where it can, a systemd host lets nothing be executed. */
async function showTo({ hostId }: IdRange, { files, root, roots }: { files: string; root: string; roots: string }): Promise<void> {
  mkdirSync(root, { recursive: true });
  (await import('./user-namespace.ts')).openRoots(roots);
  chownSync(files, hostId, hostId); // runc makes its mount points as the root inside
  const opened = openSync(files, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    (await import('./kernel-mounts.ts')).bindOpened(opened, root);
  } finally {
    closeSync(opened);
  }
}

export async function stopPause(ground: Ground, record: SandboxRecord): Promise<void> {
  if (!record.config.shareProcessNamespace || record.config.hostPid) return;
  if (isAlive(record.pause)) signal(record.pause, SIGKILL);
  await ground.runc('delete', '--force', record.id);
  const root = rootOf(ground, record);
  if (root !== filesOf(ground, record)) {
    await unmount(root);
    rmSync(root, { recursive: true, force: true });
  }
  rmSync(join(ground.layout.sandboxes, record.id, 'pause'), { recursive: true, force: true });
}

function filesOf({ layout }: Ground, { id }: SandboxRecord): string {
  return join(layout.sandboxes, id, 'pause/rootfs');
}

function rootOf(ground: Ground, record: SandboxRecord): string {
  return record.config.userNamespace === undefined ? filesOf(ground, record) : join(ground.layout.roots, record.id);
}
