// Images as a node's user meets them: private ones are for those who have the secret; a pull that a kill cut off goes on where it was; an archive that is
// dropped into the folder can be used at once.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { seeded } from '../contract/store.ts';
import { createCluster } from '../support/cluster.ts';
import { fixtureImages, packTree, pushImages, saveArchive } from '../support/images.ts';
import { ownNetwork } from '../support/lab.ts';
import { startRegistry } from '../support/registry.ts';
import { startSpoilingRegistry } from '../support/spoiling-registry.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(600_000);

const HTPASSWD = 'user:$2b$05$/uW2.dG5wrH/wcOdhW57aOpn2//KO/d1OHcnjXW5tcx426ajOC31S\n'; // user:secret
const cluster = await createCluster('i', '10.96.9', (lab) => `mirrors:\n  private.example:\n    endpoint: ["http://${lab.ip}:5002"]\n  slow.example:\n    endpoint: ["http://${lab.ip}:5000"]\n`);
const open = await startRegistry({ address: cluster.lab.ip, port: 5001 });
const slow = await startSpoilingRegistry({ address: cluster.lab.ip, port: 5000, upstream: open.url });
const locked = await startRegistry({ address: cluster.lab.ip, port: 5002, htpasswd: HTPASSWD });
const chance = seeded(3);
const noise = Buffer.from(Uint32Array.from({ length: 2_000_000 }, () => Math.floor(chance() * 2 ** 32)).buffer);
const busybox = fixtureImages()[0];
const base = busybox?.layers[0] ?? { tar: Buffer.alloc(0) };
const config = { Env: ['PATH=/bin'], Cmd: ['sleep', '100000'] };
await pushImages(open.url, [{ name: 'large:1', layers: [base, { tar: packTree({ noise: { text: noise } }) }], config }]);
/** Docker makes up to 127; the paths of so many do not fit into what mount(2) takes. */
const LAYERS = 200;
await pushImages(open.url, [{ name: 'deep:1', layers: [base, ...Array.from({ length: LAYERS - 1 }, (_, at) => ({ tar: packTree({ [`layer-${String(at)}`]: { text: String(at) }, top: { text: String(at) } }) }))], config }]);
writeFileSync(join(cluster.lab.directory, 'app.tar'), saveArchive({ name: 'app:1', layers: [base], config }));
execFileSync('skopeo', ['copy', '--quiet', '--insecure-policy', '--dest-tls-verify=false', '--dest-creds=user:secret', `docker-archive:${join(cluster.lab.directory, 'app.tar')}`, `docker://${locked.address}/app:1`]);
t.teardown(async () => {
  await cluster.remove();
  await slow.stop();
  await open.stop();
  await locked.stop();
});
const { kubectl, tryKubectl, host, field, told } = cluster;

function run(name: string, image: string, spec: object = {}, container: object = {}): void {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image, ...container }], ...spec } };
  const { code, stderr } = tryKubectl(['create', '-f', '-'], JSON.stringify(pod));
  if (code !== 0) throw new Error(stderr);
}

const waiting = (name: string, part: 'reason' | 'message'): string => field(`pod ${name}`, `{.status.containerStatuses[0].state.waiting.${part}}`);
const running = (name: string): Promise<true> => until(() => field(`pod ${name}`, '.status.phase') === 'Running', `${name} to run`);

await t.test('a server comes up', () => cluster.start());

await t.test('a private image is for those who have its secret, also when it is here', async (t) => {
  const image = 'private.example/app:1';
  run('without', image);
  await until(() => /^Back-off pulling image "private.example\/app:1": ErrImagePull: failed to pull and unpack image "private.example\/app:1": .*authorization/.test(waiting('without', 'message')), 'the back-off');
  t.equal(waiting('without', 'reason'), 'ImagePullBackOff');
  t.ok(await told('without', /Pulling: Pulling image "private.example\/app:1"\n[^]*Failed: Failed to pull image "private.example\/app:1": failed to pull[^]*Failed: Error: ErrImagePull/));
  kubectl('create', 'secret', 'docker-registry', 'pull', '--docker-server=private.example', '--docker-username=user', '--docker-password=secret');
  run('with', image, { imagePullSecrets: [{ name: 'pull' }] });
  await running('with');
  t.ok(await told('with', /Pulled: Successfully pulled image "private.example\/app:1" in [\dms.]+ \([\dms.]+ including waiting\)\. Image size: \d+ bytes\./));
  run('never', image, {}, { imagePullPolicy: 'Never' });
  await until(() => waiting('never', 'reason') === 'ErrImageNeverPull', 'the refusal');
  t.equal(waiting('never', 'message'), 'Container image "private.example/app:1" is not present with pull policy of Never', 'nor is it told that it is here');
  run('again', image, {}, { imagePullPolicy: 'IfNotPresent' });
  await until(() => /ErrImagePull|ImagePullBackOff/.test(waiting('again', 'reason')), 'the refusal');
  kubectl('create', 'secret', 'docker-registry', 'other', '--docker-server=private.example', '--docker-username=user', '--docker-password=secret');
  kubectl('create', 'serviceaccount', 'puller');
  kubectl('patch', 'serviceaccount', 'puller', '-p', '{"imagePullSecrets":[{"name":"other"}]}');
  run('account', image, { serviceAccountName: 'puller' });
  await running('account');
  t.ok(await told('account', /Pulled: Container image "private.example\/app:1" already present on machine and can be accessed by the pod/), 'another secret with the same words, by the service account');
  run('gone', image, { imagePullSecrets: [{ name: 'no-such' }, { name: 'pull' }] });
  await running('gone');
  t.ok(await told('gone', /FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets \(no-such\); attempting to pull the image may not succeed\./));
  await cluster.stop('SIGKILL');
  await cluster.start();
  run('later', image);
  await until(() => /ErrImagePull|ImagePullBackOff/.test(waiting('later', 'reason')), 'the refusal after a kill');
  run('bad', 'Bad Name');
  await until(() => waiting('bad', 'reason') === 'InvalidImageName', 'the refusal');
  t.ok(await told('bad', /InspectFailed: Failed to apply default image tag "Bad Name": couldn't parse image name "Bad Name": invalid reference format/));
  kubectl('delete', 'pods', '--all', '--wait=false');
});

await t.test('an image of more layers than a page has room for', async (t) => {
  run('deep', 'slow.example/deep:1');
  run('deep-users', 'slow.example/deep:1', { hostUsers: false });
  for (const name of ['deep', 'deep-users']) {
    await running(name);
    t.equal(kubectl('exec', name, '--', 'sh', '-c', 'cat /top; ls / | grep -c layer-'), `${String(LAYERS - 2)}${String(LAYERS - 1)}\n`, name);
  }
  kubectl('delete', 'pods', '--all', '--wait=false');
});

await t.test('a pull that a kill has cut off goes on where it was', async (t) => {
  const kept = (): number => Number(host.run('sh', '-c', 'cat /var/lib/skiff/agent/images/partial/* 2>/dev/null | wc -c'));
  run('large', 'slow.example/large:1');
  await until(() => kept() > 1_000_000, 'a part of it to be here');
  await cluster.stop('SIGKILL');
  const here = kept();
  await cluster.start();
  await running('large');
  t.match(slow.ranges[0], new RegExp(`^bytes=${String(here)}-$`), `${String(here)} bytes were not fetched again`);
  t.equal(kept(), 0);
  t.equal(kubectl('exec', 'large', '--', 'wc', '-c', '/noise').trim(), `${String(noise.length)} /noise`);
});

await t.test('an archive that is dropped into the folder while the node runs, and one that is none', async (t) => {
  run('offline', 'mine:1', {}, { imagePullPolicy: 'Never' });
  await until(() => waiting('offline', 'reason') === 'ErrImageNeverPull', 'the refusal');
  const archive = join(cluster.lab.directory, 'mine.tar');
  writeFileSync(archive, saveArchive({ name: 'mine:1', layers: [base, { tar: packTree({ mine: { text: 'mine' } }) }], config }));
  host.run('sh', '-c', 'echo nonsense > /var/lib/skiff/agent/images/broken.tar.gz');
  host.run('cp', archive, '/var/lib/skiff/agent/images/mine.tar');
  await running('offline');
  t.match(cluster.log(), /image archive imported file=mine.tar/);
  await until(() => /image archive cannot be imported file=broken.tar.gz/.test(cluster.log()), 'a word about the other');
});
