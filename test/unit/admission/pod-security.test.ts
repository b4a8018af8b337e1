// Pod security over the road that every write takes: the levels and their versions, workloads' templates, labels of namespaces. The words are upstream's.
import { request as httpsRequest } from 'node:https';
import t from 'tap';
import { evaluate, detailsOf } from '../../../internal/admission/pod-security/evaluation.ts';
import { readPolicy } from '../../../internal/admission/pod-security/policy.ts';
import { DEPLOYMENTS, NAMESPACES, PODS, SERVICEACCOUNTS } from '../../../internal/kinds/generated/resources.ts';
import type { PodSpec } from '../../../internal/kinds/generated/api-types.ts';
import { startApiServer } from '../../support/api-server.ts';

const server = await startApiServer();
t.teardown(() => server.remove());
const { admin } = server;
const PREFIX = 'pod-security.kubernetes.io';
const HARDENED = { allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: { drop: ['ALL'] }, seccompProfile: { type: 'RuntimeDefault' } };
const spec = (securityContext: object = {}, more: object = {}): PodSpec => ({ containers: [{ name: 'c', image: 'x', securityContext }], ...more }) as PodSpec;
const found = (given: PodSpec, level: 'baseline' | 'restricted', minor = Number.POSITIVE_INFINITY, annotations: Record<string, string> = {}): string => detailsOf(evaluate({ annotations, spec: given }, { level, minor }));

function send(method: string, path: string, body: object): Promise<{ code: number; warnings: string[]; message: string }> {
  const who = server.credentials('admin', 'system:masters');
  return new Promise((resolve, reject) => {
    const request = httpsRequest(`${server.url}${path}`, { agent: false, method, ...who, headers: { 'content-type': method !== 'PATCH' ? 'application/json' : Array.isArray(body) ? 'application/json-patch+json' : 'application/merge-patch+json' } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ code: answer.statusCode ?? 0, warnings: [answer.headers['warning'] ?? []].flat().map((text) => String(text)), message: (JSON.parse(Buffer.concat(chunks).toString()) as { message?: string }).message ?? '' }));
    });
    request.on('error', reject);
    request.end(JSON.stringify(body));
  });
}

t.test('each check finds what it is for, in upstream\'s words', (t) => {
  const cases: [string, PodSpec, 'baseline' | 'restricted', string][] = [
    ['nothing', spec(HARDENED), 'restricted', ''],
    ['bare', spec(), 'restricted', 'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'],
    ['host', spec({ privileged: true }, { hostNetwork: true, hostPID: true, volumes: [{ name: 'v', hostPath: { path: '/' } }] }), 'baseline', 'host namespaces (hostNetwork=true, hostPID=true), hostPath volumes (volume "v"), privileged (container "c" must not set securityContext.privileged=true)'],
    ['capabilities', spec({ capabilities: { add: ['SYS_ADMIN', 'NET_RAW', 'CHOWN'] } }), 'baseline', 'non-default capabilities (container "c" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add)'],
    ['more capabilities', spec({ ...HARDENED, capabilities: { add: ['CHOWN', 'NET_BIND_SERVICE'] } }), 'restricted', 'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]; container "c" must not include "CHOWN" in securityContext.capabilities.add)'],
    ['ports', { initContainers: [{ name: 'i', ports: [{ containerPort: 1, hostPort: 80 }] }], containers: [{ name: 'c', ports: [{ containerPort: 1, hostPort: 8080 }] }] } as unknown as PodSpec, 'baseline', 'hostPort (containers "i", "c" use hostPorts 80, 8080)'],
    ['probe', { containers: [{ name: 'c', livenessProbe: { httpGet: { host: '1.2.3.4', port: 1 } } }] } as unknown as PodSpec, 'baseline', 'probe or lifecycle host (container "c" uses probe or lifecycle host "1.2.3.4")'],
    ['selinux', spec({ seLinuxOptions: { type: 'x_t', user: 'u' } }, { securityContext: { seLinuxOptions: { role: 'r' } } }), 'baseline', 'seLinuxOptions (pod and container "c" set forbidden securityContext.seLinuxOptions: type "x_t"; user may not be set; role may not be set)'],
    ['apparmor', spec({ appArmorProfile: { type: 'Unconfined' } }), 'baseline', 'forbidden AppArmor profile (container "c" must not set AppArmor profile type to "Unconfined")'],
    ['seccomp', spec({ seccompProfile: { type: 'Unconfined' } }), 'baseline', 'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")'],
    ['sysctls', spec({}, { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }, { name: 'net.ipv4.tcp_rmem', value: '1' }] } }), 'baseline', 'forbidden sysctls (kernel.msgmax)'],
    ['volumes', spec(HARDENED, { volumes: [{ name: 'a', nfs: {} }, { name: 'b', hostPath: {} }, { name: 'e', emptyDir: {} }] }), 'restricted', 'restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "nfs")'],
    ['root', spec({ ...HARDENED, runAsUser: 0, runAsNonRoot: false }), 'restricted', 'runAsNonRoot != true (container "c" must not set securityContext.runAsNonRoot=false), runAsUser=0 (container "c" must not set runAsUser=0)'],
    ['own users', spec({ ...HARDENED, runAsUser: 0, runAsNonRoot: false }, { hostUsers: false }), 'restricted', ''],
  ];
  for (const [name, given, level, words] of cases) t.equal(found(given, level), words, name);
  t.end();
});

t.test('a version holds to what it knew', (t) => {
  t.equal(found(spec(), 'restricted', 7), 'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)');
  t.equal(found(spec({}, { hostUsers: false }), 'restricted', 7), 'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)');
  t.equal(found(spec({}, { securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] } }), 'baseline', 31), 'forbidden sysctls (net.ipv4.tcp_rmem)');
  t.equal(found(spec(), 'baseline', 18, { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' }), 'seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined")');
  t.equal(found(spec(), 'restricted', 99), found(spec(), 'restricted'), 'one to come is as the latest');
  t.match(readPolicy({ [`${PREFIX}/enforce`]: 'baseline', [`${PREFIX}/enforce-version`]: 'v1.25' }).policy, { enforce: { level: 'baseline', minor: 25 }, warn: { level: 'baseline', minor: 25 }, audit: { level: 'privileged' } });
  t.equal(readPolicy({ [`${PREFIX}/enforce`]: 'nonsense' }).policy.enforce.level, 'restricted');
  t.end();
});

t.test('pods are refused, workloads warned of, and namespaces told', async (t) => {
  const bad = await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bad', labels: { [`${PREFIX}/enforce`]: 'x', [`${PREFIX}/warn-version`]: '1.2' } } });
  t.match(bad, { code: 422, message: `Namespace "bad" is invalid: [metadata.labels[${PREFIX}/enforce]: Invalid value: "x": must be one of privileged, baseline, restricted, metadata.labels[${PREFIX}/warn-version]: Invalid value: "1.2": must be "latest" or "v1.x"]` });
  await admin.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'secure' }, spec: {} });
  await admin.create(SERVICEACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'secure' } });
  const pod = (name: string, given: PodSpec): object => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: given });
  for (const name of ['a', 'b']) t.match(await send('POST', '/api/v1/namespaces/secure/pods', pod(name, spec({ privileged: true }))), { code: 201, warnings: [] });
  const raised = await send('PATCH', '/api/v1/namespaces/secure', { metadata: { labels: { [`${PREFIX}/enforce`]: 'baseline' } } });
  t.match(raised, { code: 200 });
  t.same(raised.warnings.join(), '299 - "existing pods in namespace \\"secure\\" violate the new PodSecurity enforce level \\"baseline:latest\\"", 299 - "a (and 1 other pod): privileged"');
  t.match(await send('POST', '/api/v1/namespaces/secure/pods', pod('c', spec({ privileged: true }))), { code: 403, message: 'pods "c" is forbidden: violates PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)' });
  t.equal((await send('POST', '/api/v1/namespaces/secure/pods', pod('c', spec()))).code, 201);
  t.equal((await send('PATCH', '/api/v1/namespaces/secure/pods/a', { metadata: { labels: { x: 'y' } } })).code, 200, 'what is there may change in other ways');
  t.equal((await send('PATCH', '/api/v1/namespaces/secure/pods/a', [{ op: 'replace', path: '/spec/containers/0/image', value: 'other' }])).code, 403, 'and not in its image');
  const template = { metadata: { labels: { app: 'x' } }, spec: spec({ privileged: true }) };
  const workload = await send('POST', '/apis/apps/v1/namespaces/secure/deployments', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { selector: { matchLabels: { app: 'x' } }, template } });
  t.match(workload, { code: 201, warnings: ['299 - "would violate PodSecurity \\"baseline:latest\\": privileged (container \\"c\\" must not set securityContext.privileged=true)"'] });
  t.equal((await admin.list(DEPLOYMENTS, { namespace: 'secure' })).items.length, 1);
  t.equal((await admin.list(PODS, { namespace: 'secure' })).items.length, 3);
});
