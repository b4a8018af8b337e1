// Local volumes on a second node, in a folder of the user's choice: made there, kept while the node is away, removed when it is back, and what
// uninstall says of them.
import t from 'tap';
import { addAgent, joining } from '../support/agent.ts';
import { createSuppliedCluster } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(600_000);

const cluster = await createSuppliedCluster('x', '10.97.8');
const { kubectl, tryKubectl, host: first, program, apply, field } = cluster;
const agent = addAgent(cluster, 'n2');
const second = agent.host;
t.teardown(() => cluster.remove());

const folders = (host: typeof first): string => host.run('sh', '-c', 'ls -A /var/lib/skiff-volumes 2>/dev/null || true');
const pod = (name: string, command: string): object => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name },
  spec: { terminationGracePeriodSeconds: 0, nodeSelector: { 'kubernetes.io/hostname': 'n2' }, containers: [{ name: 'c', image: 'busybox:1', command: ['sh', '-c', command], volumeMounts: [{ name: 'data', mountPath: '/data' }] }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
});

await t.test('two nodes come up', async () => {
  await cluster.start('--default-local-storage-path', '/var/lib/skiff-volumes');
  agent.start(...joining(cluster));
  await until(agent.ready, 'the second node');
});

await t.test('the folder is made on the node where the pod goes, and pods after it go there too', async (t) => {
  apply({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }, pod('writer', 'echo kept > /data/file; sleep 1000'));
  await until(() => field('pod writer', '.status.phase') === 'Running', 'the writer');
  t.match(folders(second), /^pvc-\S+_default_data\n$/);
  t.equal(folders(first), '');
  kubectl('delete', 'pod', 'writer');
  apply({ ...pod('reader', 'cat /data/file; sleep 1000'), spec: { ...(pod('reader', 'cat /data/file; sleep 1000') as { spec: object }).spec, nodeSelector: {} } });
  await until(() => tryKubectl(['logs', 'reader']).stdout === 'kept\n', 'what it read');
  t.equal(field('pod reader', '.spec.nodeName'), 'n2', 'where its volume is');
});

await t.test('uninstall says that it keeps them', (t) => {
  t.match(second.run(program[0] ?? '', ...program.slice(1), 'uninstall', '--dry-run'), /would keep \/var\/lib\/skiff-volumes/);
  t.end();
});

await t.test('while the node is away the volume stays, and goes when it is back', async (t) => {
  const volume = field('pvc data', '.spec.volumeName');
  await agent.stop('SIGKILL');
  kubectl('delete', 'pod', 'reader', '--grace-period=0', '--force');
  kubectl('delete', 'pvc', 'data');
  await until(() => field(`pv ${volume}`, '.status.phase') === 'Released', 'the volume to be released');
  await until(() => kubectl('get', 'events', '--field-selector', `involvedObject.name=${volume}`).includes('VolumeFailedDelete'), 'the event');
  t.match(folders(second), /^pvc-/);
  agent.start();
  await until(() => tryKubectl(['get', 'pv', volume]).stderr.includes('not found'), 'the volume to go');
  t.equal(folders(second), '');
});
