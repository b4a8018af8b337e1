// What a container finds in its environment.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Pod, Service } from '../../../internal/kinds/generated/api-types.ts';
import { expand } from '../../../agents/kubelet/environment/expansion.ts';
import { envFileValue, readEnvFile } from '../../../agents/kubelet/environment/env-file.ts';
import { fieldValue, resourceFieldValue } from '../../../agents/kubelet/environment/field-value.ts';
import { serviceEnvironment } from '../../../agents/kubelet/environment/service-environment.ts';
import { dnsOf, hostnameOf, hostsFile } from '../../../agents/kubelet/pod-names.ts';
import { formatDuration } from '../../../internal/api/duration.ts';

t.test('references are expanded as upstream does', (t) => {
  const lookup = (name: string) => ({ A: 'one', B: 'two' })[name];
  for (const [text, wanted] of [['$(A)-$(B)', 'one-two'], ['$$(A)', '$(A)'], ['$$$(A)', '$one'], ['$(NONE)', '$(NONE)'], ['$(A', '$(A'], ['$', '$'], ['$x', '$x'], ['$()', '$()'], ['a$$', 'a$']] as const) t.equal(expand(text, lookup), wanted, text);
  t.end();
});

t.test('services give variables', (t) => {
  const service = (name: string, namespace: string, clusterIP: string): Service => ({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace } as Service['metadata'], spec: { clusterIP, ports: [{ name: 'http-x', port: 80, protocol: 'TCP' }] } });
  const all = [service('my-db', 'ns', '10.43.0.9'), service('kubernetes', 'default', '10.43.0.1'), service('other', 'else', '10.43.0.3'), service('headless', 'ns', 'None')];
  t.same(Object.fromEntries(serviceEnvironment(all, 'ns', true)), {
    MY_DB_SERVICE_HOST: '10.43.0.9', MY_DB_SERVICE_PORT: '80', MY_DB_SERVICE_PORT_HTTP_X: '80', MY_DB_PORT: 'tcp://10.43.0.9:80', MY_DB_PORT_80_TCP: 'tcp://10.43.0.9:80', MY_DB_PORT_80_TCP_PROTO: 'tcp', MY_DB_PORT_80_TCP_PORT: '80', MY_DB_PORT_80_TCP_ADDR: '10.43.0.9',
    KUBERNETES_SERVICE_HOST: '10.43.0.1', KUBERNETES_SERVICE_PORT: '80', KUBERNETES_SERVICE_PORT_HTTP_X: '80', KUBERNETES_PORT: 'tcp://10.43.0.1:80', KUBERNETES_PORT_80_TCP: 'tcp://10.43.0.1:80', KUBERNETES_PORT_80_TCP_PROTO: 'tcp', KUBERNETES_PORT_80_TCP_PORT: '80', KUBERNETES_PORT_80_TCP_ADDR: '10.43.0.1',
  });
  t.same([...serviceEnvironment(all, 'ns', false).keys()].filter((name) => !name.startsWith('KUBERNETES')), []);
  t.end();
});

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'ns', uid: 'u', labels: { app: 'x' } } as unknown as Pod['metadata'], spec: { nodeName: 'n1', containers: [{ name: 'main', resources: { limits: { cpu: '250m', memory: '64Mi' } } }] } } satisfies Pod;
const context = { pod, podIps: ['10.42.0.2'], hostIps: ['192.0.2.1'], allocatable: { cpu: '4', memory: '1Gi' } };

t.test('the downward API tells of the pod', (t) => {
  const field = (fieldPath: string) => fieldValue(context, { fieldPath });
  t.same(['metadata.name', 'spec.nodeName', 'status.podIP', 'status.hostIPs', "metadata.labels['app']", "metadata.labels['none']"].map(field), ['web', 'n1', '10.42.0.2', '192.0.2.1', 'x', '']);
  const resource = (name: string, divisor?: string) => resourceFieldValue(context, pod.spec.containers[0] ?? { name: '' }, { resource: name, ...(divisor !== undefined && { divisor }) });
  t.same([resource('limits.cpu'), resource('limits.cpu', '1m'), resource('limits.memory', '1Mi'), resource('requests.cpu')], ['1', '250', '64', '0']);
  t.end();
});

t.test('names: host, hosts file, resolv.conf', (t) => {
  const settings = { clusterDns: ['10.43.0.10'], clusterDomain: 'cluster.local', resolvConf: '/nowhere' };
  const named: Pod = { ...pod, spec: { ...pod.spec, hostname: 'h', subdomain: 'sub', hostAliases: [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }] } };
  t.equal(hostnameOf(named, 'cluster.local'), 'h');
  t.equal(hostnameOf({ ...named, spec: { ...named.spec, setHostnameAsFQDN: true } }, 'cluster.local'), 'h.sub.ns.svc.cluster.local');
  t.match(hostsFile(named, ['10.42.0.2'], 'cluster.local'), /\n10\.42\.0\.2\th\.sub\.ns\.svc\.cluster\.local\th\n\n# Entries added by HostAliases\.\n1\.2\.3\.4\ta\tb\n$/);
  t.same(dnsOf(pod, settings), { servers: ['10.43.0.10'], searches: ['ns.svc.cluster.local', 'svc.cluster.local', 'cluster.local'], options: ['ndots:5'] });
  t.same(dnsOf({ ...pod, spec: { ...pod.spec, dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'], searches: ['x'], options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] } } }, settings), { servers: ['1.1.1.1'], searches: ['x'], options: ['ndots:2', 'edns0'] });
  t.end();
});

t.test('env files are read as strictly as upstream reads them', (t) => {
  const text = "A='one two'\n# no\n\n  B='b' # tail\nC=''\nD= 'gone'\nE='two\nlines'\nA='later'\n";
  t.same(['A', 'B', 'C', 'D', 'E', 'NO'].map((key) => envFileValue(text, key)), ['one two', 'b', '', '', 'two\nlines', '']);
  for (const [bad, message] of [['A', "line 1: missing '='"], ["\n='x'", 'line 2: empty variable name'], ["A ='x'", "whitespace before '='"], ['A=x', 'enclosed in single quotes'], ["A='x' y", 'unexpected content'], ["A='x", 'unclosed']] as const) t.throws(() => envFileValue(bad, 'Z'), { message: new RegExp(message) }, bad);
  t.equal(envFileValue("A='x'\nwhat follows", 'A'), 'x');
  t.throws(() => envFileValue(`A=${' '.repeat(900_000)}x\n${'\''.repeat(9)}`, 'B'), 'and in no time');
  t.end();
});

t.test('an env file that is a pipe, a way out, or large is none', (t) => {
  const root = mkdtempSync(join(tmpdir(), `skiff-env-file-${String(process.pid)}-`));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const volume = join(root, 'volume');
  mkdirSync(join(volume, 'deep'), { recursive: true });
  writeFileSync(join(root, 'secret'), "A='of the host'");
  writeFileSync(join(volume, 'good'), "A='good'");
  execFileSync('mkfifo', [join(volume, 'pipe')]);
  for (const [name, target] of [['out', '../secret'], ['absolute', join(root, 'secret')], ['loop', 'loop'], ['rooted', '/good'], ['deep/up', '../../../good']] as const) symlinkSync(target, join(volume, name));
  writeFileSync(join(volume, 'sparse'), '');
  truncateSync(join(volume, 'sparse'), 2 ** 40);
  const read = (path: string, optional = false): string | undefined => readEnvFile(volume, { volumeName: 'v', path, key: 'A', optional });
  for (const path of ['pipe', 'out', 'absolute', 'loop', 'sparse', 'deep', 'none']) t.throws(() => read(path), { message: "couldn't parse env file" }, path);
  t.same(['good', 'rooted', 'deep/up'].map((path) => read(path)), ['good', 'good', 'good'], 'links lead to what is in the volume');
  t.throws(() => readEnvFile(volume, { volumeName: 'v', path: 'good', key: 'B' }), { message: `environment variable key "B" not found in file "${volume}/good"` });
  t.equal(readEnvFile(volume, { volumeName: 'v', path: 'good', key: 'B', optional: true }), undefined);
  t.end();
});

t.test('durations', (t) => {
  t.same([0, 10_000, 80_000, 300_000, 212, 1500].map(formatDuration), ['0s', '10s', '1m20s', '5m0s', '212ms', '1.5s']);
  t.end();
});
