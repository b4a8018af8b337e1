// A DRA driver's node part as a program: `node dra-driver.ts NAME`. It registers below /var/lib/kubelet/plugins_registry, and describes what it prepares
// in /var/run/cdi: a variable with the claim's name and uid.
//   stdin    `refuse WHY` (the next NodePrepareResources)
//   stdout   `registered`, `refused WHY`, `prepare NAMES`, `unprepare NAMES`, a line each
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createCodec, type MessageTable } from '../../agents/grpc/messages.ts';
import { createGrpcServer } from '../../agents/grpc/server.ts';
import { decode, encode } from '../../agents/kubelet/claims/messages.ts';

const MESSAGES = { Info: { type: [1, 'text'], name: [2, 'text'], endpoint: [3, 'text'], versions: [4, ['text']] }, Status: { registered: [1, 'boolean'], error: [2, 'text'] } } as const satisfies MessageTable;
const registration = createCodec(MESSAGES);
const [name = ''] = process.argv.slice(2);
const folder = `/var/lib/kubelet/plugins/${name}`;
const SERVICE = '/k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin';
let refusal = '';
const say = (...words: string[]): void => console.log(words.join(' '));

mkdirSync(folder, { recursive: true });
mkdirSync('/var/run/cdi', { recursive: true });
const file = (uid: string): string => `/var/run/cdi/${name}-${uid}.json`;
const server = createGrpcServer(`${folder}/dra.sock`, {
  [`${SERVICE}/NodePrepareResources`](bytes) {
    const { claims } = decode('Claims', bytes);
    say('prepare', claims.map((claim) => claim.name).join(','));
    const error = refusal;
    refusal = '';
    for (const { uid, name: claim } of claims) writeFileSync(file(uid), JSON.stringify({ cdiVersion: '0.6.0', kind: `${name}/claim`, devices: [{ name: uid, containerEdits: { env: [`CLAIM=${claim}`], deviceNodes: [{ path: '/dev/claimed', hostPath: '/dev/zero' }] } }] }));
    return Promise.resolve(encode('Prepared', { claims: claims.map(({ uid }) => ({ uid, result: { error, devices: [{ requests: ['r'], pool: 'n1', device: 'one', cdiIds: [`${name}/claim=${uid}`] }] } })) }));
  },
  [`${SERVICE}/NodeUnprepareResources`](bytes) {
    const { claims } = decode('Claims', bytes);
    say('unprepare', claims.map((claim) => claim.name).join(','));
    for (const { uid } of claims) rmSync(file(uid), { force: true });
    return Promise.resolve(encode('Unprepared', { claims: claims.map(({ uid }) => ({ uid, result: { error: '' } })) }));
  },
});
await server.start();
const registry = createGrpcServer(`/var/lib/kubelet/plugins_registry/${name}-reg.sock`, {
  '/pluginregistration.Registration/GetInfo': () => Promise.resolve(registration.encode('Info', { type: 'DRAPlugin', name, endpoint: `${folder}/dra.sock`, versions: ['v1.DRAPlugin'] })),
  '/pluginregistration.Registration/NotifyRegistrationStatus'(bytes) {
    const { registered, error } = registration.decode('Status', bytes);
    say(registered ? 'registered' : `refused ${error}`);
    return Promise.resolve(new Uint8Array());
  },
});
await registry.start();

createInterface({ input: process.stdin }).on('line', (line) => {
  if (line.startsWith('refuse ')) refusal = line.slice('refuse '.length);
}).on('close', () => void Promise.all([registry.stop(), server.stop()]).then(() => process.exit(0)));
