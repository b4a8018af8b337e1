// Another version of Skiff in the place of this one, and back: containers do not notice, nothing is lost, and what an older version cannot read it says.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { build } from 'esbuild';
import t from 'tap';
import { createSuppliedCluster, SKIFF } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(600_000);

const cluster = await createSuppliedCluster('u', '10.97.6');
t.teardown(() => cluster.remove());
const { kubectl, host, lab } = cluster;
const newer = join(lab.directory, 'newer.cjs');
await build({
  entryPoints: [join(import.meta.dirname, '../../cmd/main.ts')], outfile: newer, bundle: true, platform: 'node', target: 'node26', format: 'cjs', logLevel: 'error',
  logOverride: { 'empty-import-meta': 'silent' }, define: { SKIFF_VERSION: '"99.0.0"' },
});
const versions: Record<string, readonly string[]> = { this: [SKIFF], newer: [process.execPath, '--no-warnings', '--experimental-sqlite', newer] };
const jsonpath = (resource: string, path: string): string => kubectl('get', ...resource.split(' '), '-o', `jsonpath=${path}`);
const containers = (): string => jsonpath('pods', '{range .items[*]}{.metadata.name} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount} {.status.podIP}{"\\n"}{end}');
const processes = (): string[] => host.run('sh', '-c', 'for r in /run/skiff/*/runc; do runc --root $r list -q | xargs -rn1 runc --root $r state; done').match(/"pid": [1-9]\d*/g) ?? [];

await t.test('a newer version over this one, and back, while pods serve', async (t) => {
  t.match(host.run(...(versions['newer'] ?? []), '--version'), /^skiff 99\.0\.0 /);
  await cluster.start();
  kubectl('create', 'deployment', 'web', '--image=web:1', '--replicas=2');
  kubectl('expose', 'deployment', 'web', '--port=80');
  kubectl('rollout', 'status', 'deployment/web', '--timeout=90s');
  const clusterIp = jsonpath('service web', '{.spec.clusterIP}');
  const [before, running] = [containers(), processes()];
  t.equal(running.length, 2);
  for (const [signal, version] of [['SIGTERM', 'newer'], ['SIGKILL', 'this'], ['SIGKILL', 'newer'], ['SIGTERM', 'this']] as const) {
    await cluster.stop(signal);
    cluster.program = versions[version] ?? [];
    await cluster.start();
    t.equal(containers(), before, `${version}: the same containers, not restarted`);
    t.same(processes(), running);
    t.match(host.run('curl', '-sS', '--max-time', '3', `http://${clusterIp}`), /^web-/);
    kubectl('create', 'configmap', `${version}-${signal.toLowerCase()}`);
    t.match(kubectl('logs', 'deployment/web'), /serving on 80/);
    t.equal(kubectl('exec', 'deployment/web', '--', 'echo', 'here').trim(), 'here');
  }
  t.same(jsonpath('configmaps', '{.items[*].metadata.name}').split(' ').sort(), ['kube-root-ca.crt', 'newer-sigkill', 'newer-sigterm', 'this-sigkill', 'this-sigterm']);
});

await t.test('a database of a version that is newer still: one clear line, nothing is touched, pods go on', async (t) => {
  const clusterIp = jsonpath('service web', '{.spec.clusterIP}');
  await cluster.stop();
  const path = join(host.disk, 'plain/var/lib/skiff/server/db/state.db');
  const setVersion = (version: number): void => {
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA user_version=${String(version)}`);
    db.close();
  };
  setVersion(2);
  const bytes = readFileSync(path);
  const [enter, ...rest] = [...host.enter, SKIFF, 'server', '--node-name', 'n1', '--node-ip', host.ip];
  const refused = spawn(enter, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  refused.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  t.same(await once(refused, 'close'), [1, null]);
  t.match(said.trim().split('\n').at(-1), /^skiff: the database .*state\.db was written by a newer version of skiff \(schema 2, this one knows 1\): start that version again, or, .*; nothing was changed$/);
  t.ok(readFileSync(path).equals(bytes), 'the file is as it was');
  t.match(host.run('curl', '-sS', '--max-time', '3', `http://${clusterIp}`), /^web-/);
  setVersion(1);
  await cluster.start();
  await until(() => jsonpath('deployment web', '{.status.availableReplicas}') === '2', 'the deployment to be there');
  t.pass();
});
