// A device plugin as a program: `node device-plugin.ts RESOURCE DEVICE…`. It registers with the kubelet whose folder is /var/lib/kubelet, again whenever
// the kubelet's socket is made anew, and hands out environment, a mount, a device node, an annotation and a CDI device.
//   stdin    `unhealthy ID`, `healthy ID`, `refuse WHY` (the next Allocate), a line each
//   stdout   `registered`, `allocate IDS`, `prefer IDS of AVAILABLE`, `prestart IDS`, a line each
import { mkdirSync, statSync, watch } from 'node:fs';
import { createInterface } from 'node:readline';
import { systemClock } from '../../internal/base/clock.ts';
import { createGrpcClient } from '../../agents/grpc/client.ts';
import { createGrpcServer, type GrpcServer } from '../../agents/grpc/server.ts';
import { decode, encode } from '../../agents/kubelet/devices/messages.ts';

const FOLDER = '/var/lib/kubelet/device-plugins';
const [resource = '', ...ids] = process.argv.slice(2);
const endpoint = `${resource.replaceAll('/', '-')}.sock`;
const unhealthy = new Set<string>();
let refusal = '';
const watchers: (() => void)[] = [];
let server: GrpcServer | undefined;
const say = (...words: string[]): void => console.log(words.join(' '));

function response(devices: readonly string[]): Uint8Array {
  return encode('ContainerAllocateResponse', {
    envs: { EXAMPLE_DEVICES: devices.join(',') }, mounts: [{ containerPath: '/example', hostPath: '/srv/example', readOnly: true }],
    devices: devices.map((id) => ({ containerPath: `/dev/example-${id}`, hostPath: '/dev/zero', permissions: 'rw' })), annotations: { 'example.com/devices': devices.join(',') }, cdiDevices: [{ name: 'example.com/class=extra' }],
  });
}

async function serve(): Promise<void> {
  await server?.stop();
  server = createGrpcServer(`${FOLDER}/${endpoint}`, {
    '/v1beta1.DevicePlugin/GetDevicePluginOptions': () => Promise.resolve(encode('DevicePluginOptions', { preStartRequired: true, preferredAllocationAvailable: true })),
    async* '/v1beta1.DevicePlugin/ListAndWatch'(_request, signal) {
      while (!signal.aborted) {
        yield encode('ListAndWatchResponse', { devices: ids.map((id) => ({ id, health: unhealthy.has(id) ? 'Unhealthy' : 'Healthy' })) });
        await new Promise<void>((resolve) => {
          watchers.push(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    },
    '/v1beta1.DevicePlugin/GetPreferredAllocation'(bytes) {
      const [{ available, size } = { available: [], size: 0 }] = decode('PreferredAllocationRequest', bytes).containers;
      const preferred = [...available].sort().reverse().slice(0, size);
      say('prefer', preferred.join(','), 'of', [...available].sort().join(','));
      return Promise.resolve(encode('PreferredAllocationResponse', { containers: [{ ids: preferred }] }));
    },
    '/v1beta1.DevicePlugin/Allocate'(bytes) {
      const requests = decode('AllocateRequest', bytes).containers;
      say('allocate', ...requests.map((one) => one.ids.join(',')));
      const why = refusal;
      refusal = '';
      return why === '' ? Promise.resolve(encode('AllocateResponse', { containers: requests.map((one) => response(one.ids)) })) : Promise.reject(new Error(why));
    },
    '/v1beta1.DevicePlugin/PreStartContainer'(bytes) {
      say('prestart', decode('DeviceIds', bytes).ids.join(','));
      return Promise.resolve(encode('Empty', {}));
    },
  });
  await server.start();
  const kubelet = createGrpcClient(`${FOLDER}/kubelet.sock`, systemClock);
  await kubelet.call('/v1beta1.Registration/Register', encode('RegisterRequest', { version: 'v1beta1', endpoint, resourceName: resource }), { timeoutMs: 10_000 }).then(() => say('registered'), (error: unknown) => say('refused', String(error)));
  kubelet.close();
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const [verb, ...rest] = line.split(' ');
  if (verb === 'refuse') refusal = rest.join(' ');
  if (verb === 'unhealthy') unhealthy.add(rest[0] ?? '');
  if (verb === 'healthy') unhealthy.delete(rest[0] ?? '');
  for (const resolve of watchers.splice(0)) resolve();
}).on('close', () => process.exit(0));
mkdirSync(FOLDER, { recursive: true });
let known = '';
let serving = Promise.resolve();
/** Once for each socket: of one made anew, two events tell. */
function look(): void {
  const found = statSync(`${FOLDER}/kubelet.sock`, { bigint: true, throwIfNoEntry: false });
  const identity = found === undefined ? '' : `${String(found.ino)} ${String(found.birthtimeNs)}`;
  if (identity !== known && identity !== '') serving = serving.then(serve);
  known = identity;
}
watch(FOLDER, (event, name) => {
  if (event === 'rename' && name === 'kubelet.sock') look();
});
look();
