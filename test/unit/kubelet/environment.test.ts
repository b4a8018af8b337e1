// What a container finds in its environment.
import t from 'tap';
import type { Pod, Service } from '../../../internal/kinds/generated/api-types.ts';
import { expand } from '../../../agents/kubelet/environment/expansion.ts';
import { parseEnvFile } from '../../../agents/kubelet/environment/env-file.ts';
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

t.test('env files and durations', (t) => {
  t.same([...parseEnvFile("A='one two'\n# no\nB=plain # tail\n\nC=''\n")], [['A', 'one two'], ['B', 'plain'], ['C', '']]);
  t.same([0, 10_000, 80_000, 300_000, 212, 1500].map(formatDuration), ['0s', '10s', '1m20s', '5m0s', '212ms', '1.5s']);
  t.end();
});
