// A CSI driver for tests, as a program of its own: its volumes are folders (block volumes: loop devices), bound where the node says; inline ones are a tmpfs. It
// registers by itself, as a driver with its registrar does, and writes down every call as a line of JSON. Words:
//
//   csi-driver.ts NAME NODE_ID FOLDER KUBELET_FOLDER CAPABILITIES      capabilities by number, with commas
//
// FOLDER: volumes/<id>, calls.jsonl; `fail` in it holds `<method> <code> <message>` of calls that are to fail.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createGrpcServer, type GrpcMethod } from '../../agents/grpc/server.ts';
import { GrpcError } from '../../agents/grpc/error.ts';
import { createCodec } from '../../agents/grpc/messages.ts';
import { decode, encode, type Message, type MessageName, type Outgoing } from '../../agents/kubelet/csi/messages.ts';

const [name = '', nodeId = '', folder = '', kubelet = '', capabilities = ''] = process.argv.slice(2);
const socket = join(kubelet, 'plugins', name, 'csi.sock');
const registration = createCodec({
  Empty: {}, PluginInfo: { type: [1, 'text'], name: [2, 'text'], endpoint: [3, 'text'], versions: [4, ['text']] }, Status: { registered: [1, 'boolean'], error: [2, 'text'] },
});

function node<Q extends MessageName, A extends MessageName>(method: string, { asks, answers, work }: { asks: Q; answers: A; work(request: Message<Q>): Outgoing<A> }): [string, GrpcMethod] {
  return [`/csi.v1.Node/${method}`, async (bytes) => {
    const request = decode(asks, bytes);
    appendFileSync(join(folder, 'calls.jsonl'), `${JSON.stringify({ method, ...request })}\n`);
    const [failing, code, ...words] = existsSync(join(folder, 'fail')) ? readFileSync(join(folder, 'fail'), 'utf8').trim().split(' ') : [];
    if (failing === method) throw new GrpcError(Number(code), words.join(' '));
    return Promise.resolve(encode(answers, work(request)));
  }];
}

const run = (...command: string[]): string => execFileSync(command[0] ?? '', command.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
const isMounted = (path: string): boolean => readFileSync('/proc/self/mountinfo', 'utf8').split('\n').some((line) => line.split(' ')[4] === path);
const volume = (id: string): string => join(folder, 'volumes', id);

function bind(from: string, to: string, readOnly: boolean): void {
  if (isMounted(to)) return;
  run('mount', '--bind', from, to);
  if (readOnly) run('mount', '-o', 'remount,bind,ro', to);
}

function release(path: string): void {
  if (isMounted(path)) run('umount', path);
}

function loopOf(id: string): string {
  const file = volume(id);
  if (!existsSync(file)) run('truncate', '-s', '4M', file);
  return run('losetup', '-j', file).split(':')[0] || run('losetup', '-f', '--show', file);
}

function stage({ volumeId, stagingTargetPath, volumeCapability }: Message<'Stage'>): object {
  if (volumeCapability?.block !== undefined) return {};
  mkdirSync(volume(volumeId), { recursive: true });
  bind(volume(volumeId), stagingTargetPath, false);
  return {};
}

function publish({ volumeId, stagingTargetPath, targetPath, volumeCapability, readonly, volumeContext }: Message<'Publish'>): object {
  if (volumeCapability?.block !== undefined) {
    if (!existsSync(targetPath)) writeFileSync(targetPath, '');
    bind(loopOf(volumeId), targetPath, false);
    return {};
  }
  mkdirSync(targetPath, { recursive: true });
  if (volumeContext['csi.storage.k8s.io/ephemeral'] === 'true') {
    if (!isMounted(targetPath)) run('mount', '-t', 'tmpfs', 'inline', targetPath);
  } else {
    mkdirSync(volume(volumeId), { recursive: true });
    bind(stagingTargetPath === '' ? volume(volumeId) : stagingTargetPath, targetPath, readonly);
  }
  return {};
}

function unpublish({ volumeId, targetPath }: Message<'Unpublish'>): object {
  release(targetPath);
  if (!existsSync(targetPath)) return {};
  if (existsSync(volume(volumeId)) && run('losetup', '-j', volume(volumeId)) !== '') {
    rmSync(targetPath);
    run('losetup', '-d', loopOf(volumeId));
  } else {
    rmdirSync(targetPath);
  }
  return {};
}

function stats({ volumePath }: Message<'GetStats'>): Outgoing<'Stats'> {
  const { bsize, blocks, bfree, files, ffree } = statfsSync(volumePath);
  return { usage: [{ unit: 1, total: bsize * blocks, available: bsize * bfree, used: bsize * (blocks - bfree) }, { unit: 2, total: files, available: ffree, used: files - ffree }] };
}

const methods = Object.fromEntries([
  node('NodeGetInfo', { asks: 'Empty', answers: 'NodeInfo', work: () => ({ nodeId, maxVolumesPerNode: 2, accessibleTopology: { segments: { [`topology.${name}/node`]: nodeId } } }) }),
  node('NodeGetCapabilities', { asks: 'Empty', answers: 'Capabilities', work: () => ({ capabilities: capabilities.split(',').map((type) => ({ rpc: { type: Number(type) } })) }) }),
  node('NodeStageVolume', { asks: 'Stage', answers: 'Empty', work: stage }),
  node('NodeUnstageVolume', { asks: 'Unstage', answers: 'Empty', work: ({ stagingTargetPath }) => (release(stagingTargetPath), {}) }),
  node('NodePublishVolume', { asks: 'Publish', answers: 'Empty', work: publish }),
  node('NodeUnpublishVolume', { asks: 'Unpublish', answers: 'Empty', work: unpublish }),
  node('NodeGetVolumeStats', { asks: 'GetStats', answers: 'Stats', work: stats }),
  node('NodeExpandVolume', { asks: 'Expand', answers: 'Expanded', work: ({ capacityRange }) => ({ capacityBytes: capacityRange?.requiredBytes ?? 0 }) }),
]);

mkdirSync(join(folder, 'volumes'), { recursive: true });
mkdirSync(join(kubelet, 'plugins', name), { recursive: true });
await createGrpcServer(socket, methods).start();
const registrar = createGrpcServer(join(kubelet, 'plugins_registry', `${name}-reg.sock`), {
  '/pluginregistration.Registration/GetInfo': () => Promise.resolve(registration.encode('PluginInfo', { type: 'CSIPlugin', name, endpoint: socket, versions: ['1.0.0'] })),
  '/pluginregistration.Registration/NotifyRegistrationStatus': (bytes) => {
    const { registered, error } = registration.decode('Status', bytes);
    appendFileSync(join(folder, 'calls.jsonl'), `${JSON.stringify({ method: 'NotifyRegistrationStatus', registered, error })}\n`);
    return Promise.resolve(registration.encode('Empty', {}));
  },
});
await registrar.start();
process.once('SIGTERM', () => void registrar.stop().then(() => process.exit(0)));
