// Flows of clients that CI does not carry, against one server with real containers: node test/e2e/clients/main.ts (README.md says what to give).
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { createSuppliedCluster } from '../../support/cluster.ts';
import { ownNetwork } from '../../support/lab.ts';
import { until } from '../../support/until.ts';

ownNetwork();
t.setTimeout(600_000);
const { SKIFF_PYTHON: python, SKIFF_OPERATOR: operator, SKIFF_KUBECTL: otherKubectl } = process.env;

const cluster = await createSuppliedCluster('c', '10.97.9');
const operators: ChildProcess[] = [];
t.teardown(async () => {
  for (const one of operators) one.kill('SIGKILL');
  await cluster.remove();
});
const environment = { ...process.env, KUBECONFIG: cluster.kubeconfig, HOME: cluster.lab.directory };
const { kubectl, tryKubectl, field } = cluster;

await t.test('a server comes up', () => cluster.start());

await t.test('the Python client', { skip: python === undefined && 'SKIFF_PYTHON is not given' }, (t) => {
  const { status, stdout, stderr } = spawnSync(python ?? '', [join(import.meta.dirname, 'flow.py')], { env: environment, encoding: 'utf8', timeout: 120_000 });
  t.equal(status, 0, stderr + stdout);
  t.end();
});

await t.test('an older kubectl', { skip: otherKubectl === undefined && 'SKIFF_KUBECTL is not given' }, (t) => {
  const run = (line: string, input = ''): string => {
    const { status, stdout, stderr } = spawnSync(otherKubectl ?? '', line.split(' '), { env: environment, encoding: 'utf8', input, timeout: 120_000 });
    t.equal(status, 0, `${line}: ${stderr}`);
    return stdout;
  };
  t.match(run('version'), /Server Version: v1\.36/);
  run('create namespace old');
  run('create deployment web --image=web:1 --replicas=2 -n old');
  run('rollout status deployment/web -n old --timeout=90s');
  run('expose deployment web --port=80 -n old');
  t.match(run('get all -n old'), /deployment.apps\/web +2\/2/);
  t.match(run('describe deployment web -n old'), /Replicas: +2 desired/);
  run('set image deployment/web web=web:2 -n old');
  run('rollout status deployment/web -n old --timeout=90s');
  run('rollout undo deployment/web -n old');
  run('scale deployment web --replicas=1 -n old');
  run('label deployment web a=b -n old');
  run('annotate deployment web a=b -n old');
  t.match(run('explain deployment.spec.replicas'), /replicas <integer>/);
  t.match(run('api-resources'), /configmaps +cm/);
  t.match(run('auth can-i create pods -n old'), /yes/);
  const map = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m","namespace":"old"},"data":{"a":"1"}}';
  t.match(run('apply -f -', map), /created/);
  t.match(run('apply --server-side --force-conflicts -f -', map.replace('"1"', '"2"')), /serverside-applied/);
  t.match(run('get cm m -n old -o yaml'), /a: "2"/);
  run('patch cm m -n old -p {"data":{"b":"3"}}');
  t.match(run('exec deploy/web -n old -- hostname'), /^web-/);
  run('logs deploy/web -n old');
  run('wait --for=condition=Available deployment/web -n old --timeout=60s');
  run('delete namespace old --timeout=90s');
  t.end();
});

await t.test('an operator on controller-runtime, and a second one that takes over', { skip: operator === undefined && 'SKIFF_OPERATOR is not given' }, async (t) => {
  const start = (name: string): ChildProcess => {
    const started = spawn(operator ?? '', { env: { ...environment, OPERATOR_NAME: name }, stdio: 'ignore' });
    operators.push(started);
    return started;
  };
  const holder = (): string => field('lease boats.test', '{.spec.holderIdentity}');
  const first = start('first');
  await until(() => holder() !== '', 'the first to lead');
  const led = holder();
  start('second');
  kubectl('create', 'configmap', 'a', '--from-literal=size=3');
  kubectl('label', 'configmap', 'a', 'boat=wanted');
  await until(() => field('configmap a-boat', '{.data.size}{.data.by}') === '3first', 'the boat');
  kubectl('delete', 'configmap', 'a-boat');
  await until(() => field('configmap a-boat', '{.data.size}') === '3', 'what it owns to be made again');
  first.kill('SIGKILL');
  await until(() => !['', led].includes(holder()), 'the second to lead');
  kubectl('patch', 'configmap', 'a', '-p', '{"data":{"size":"4"}}');
  await until(() => field('configmap a-boat', '{.data.size}{.data.by}') === '4second', 'the second to work');
  await cluster.stop('SIGKILL');
  await cluster.start();
  kubectl('patch', 'configmap', 'a', '-p', '{"data":{"size":"5"}}');
  await until(() => field('configmap a-boat', '{.data.size}') === '5', 'it to go on after the server was killed');
  kubectl('delete', 'configmap', 'a', '--timeout=30s');
  await until(() => tryKubectl(['get', 'configmap', 'a-boat']).stderr.includes('NotFound'), 'what it owned to be collected');
  t.pass('led, worked, was followed, survived the server');
});
