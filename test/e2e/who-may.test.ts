// Who may, as kubectl sees it, with loops and flags as a user has them: certificates, tokens, pod security, limited anonymous requests, the audit log.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { command, tryCommand } from '../../internal/base/command.ts';
import { startControlPlane } from '../support/control-plane.ts';
import { until } from '../support/until.ts';

const folder = mkdtempSync(join(tmpdir(), `skiff-who-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const alive = setInterval(() => {}, 1_000_000);
t.teardown(() => clearInterval(alive));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const auditLog = join(folder, 'audit', 'audit.log');
const server = await startControlPlane({
  loops: true,
  flags: [
    '--audit-log-path', auditLog,
    '--audit-policy-file', file('policy.yaml', 'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: Metadata\n  resources: [{group: "", resources: [secrets]}]\n'),
    '--authentication-config', file('authentication.yaml', 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\nanonymous: {enabled: true, conditions: [{path: /livez}]}\n'),
  ],
});
t.teardown(() => server.remove());
const kubeconfig = file('kubeconfig', server.kubeconfig);
const ca = file('ca.crt', server.ca);
const kubectl = (...args: string[]): Promise<string> => command('kubectl', ['--kubeconfig', kubeconfig, ...args]);
const whoAmI = async (...credentials: string[]): Promise<{ username: string; groups: string[] }> =>
  (JSON.parse(await command('kubectl', ['--kubeconfig', '/dev/null', '--server', server.url, '--certificate-authority', ca, ...credentials, 'auth', 'whoami', '-o', 'json'])) as { status: { userInfo: { username: string; groups: string[] } } }).status.userInfo;

t.test('a certificate by kubectl', async (t) => {
  await command('openssl', ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(folder, 'jane.key'), '-subj', '/O=dev/O=ops/CN=jane', '-out', join(folder, 'jane.csr')]);
  const request = readFileSync(join(folder, 'jane.csr')).toString('base64');
  await kubectl('apply', '-f', file('csr.yaml', `apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: jane}\nspec: {request: ${request}, signerName: kubernetes.io/kube-apiserver-client, usages: [client auth], expirationSeconds: 3600}\n`));
  await kubectl('certificate', 'approve', 'jane');
  await kubectl('wait', '--for', 'jsonpath={.status.certificate}', 'csr/jane', '--timeout', '20s');
  t.match(await kubectl('get', 'csr'), /jane .* kubernetes.io\/kube-apiserver-client +system:admin +60m +Approved,Issued/);
  const certificate = file('jane.crt', Buffer.from(await kubectl('get', 'csr', 'jane', '-o', 'jsonpath={.status.certificate}'), 'base64').toString());
  t.match(await whoAmI('--client-certificate', certificate, '--client-key', join(folder, 'jane.key')), { username: 'jane', groups: ['dev', 'ops', 'system:authenticated'] });
});

t.test('tokens of service accounts, and of those who join', async (t) => {
  await kubectl('create', 'serviceaccount', 'robot');
  t.match(await whoAmI('--token', (await kubectl('create', 'token', 'robot')).trim()), { username: 'system:serviceaccount:default:robot' });
  await kubectl('apply', '-f', file('secrets.yaml', `
apiVersion: v1
kind: Secret
metadata: {name: robot, annotations: {kubernetes.io/service-account.name: robot}}
type: kubernetes.io/service-account-token
---
apiVersion: v1
kind: Secret
metadata: {name: bootstrap-token-abcdef, namespace: kube-system}
type: bootstrap.kubernetes.io/token
stringData: {token-id: abcdef, token-secret: 0123456789abcdef, usage-bootstrap-authentication: "true"}
---
apiVersion: v1
kind: Secret
metadata: {name: bootstrap-token-000000, namespace: kube-system}
type: bootstrap.kubernetes.io/token
stringData: {token-id: "000000", token-secret: 0123456789abcdef, expiration: "2020-01-01T00:00:00Z"}
`));
  await kubectl('wait', '--for', 'jsonpath={.data.token}', 'secret/robot', '--timeout', '20s');
  t.match(await whoAmI('--token', Buffer.from(await kubectl('get', 'secret', 'robot', '-o', 'jsonpath={.data.token}'), 'base64').toString()), { username: 'system:serviceaccount:default:robot' });
  t.match(await whoAmI('--token', 'abcdef.0123456789abcdef'), { username: 'system:bootstrap:abcdef', groups: ['system:bootstrappers', 'system:authenticated'] });
  await kubectl('wait', '--for', 'delete', '-n', 'kube-system', 'secret/bootstrap-token-000000', '--timeout', '20s');
  await kubectl('delete', 'serviceaccount', 'robot');
  await kubectl('wait', '--for', 'delete', 'secret/robot', '--timeout', '20s');
});

t.test('pod security, anonymous requests, and what was written down', async (t) => {
  await kubectl('create', 'namespace', 'secure');
  await kubectl('label', 'namespace', 'secure', 'pod-security.kubernetes.io/enforce=restricted');
  const { code, stderr } = await tryCommand('kubectl', ['--kubeconfig', kubeconfig, '-n', 'secure', 'run', 'bare', '--image', 'x']);
  t.equal(code, 1);
  t.match(stderr, /pods "bare" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false/);
  const curl = (path: string): Promise<string> => command('curl', ['-s', '--cacert', ca, `${server.url}${path}`]);
  t.equal(await curl('/livez'), 'ok');
  t.match(await curl('/version'), /"reason": "Unauthorized"/);
  // The server writes on, and its own loops come when they come: whole lines, until each has been told of.
  const events = (): { user: { username: string }; objectRef: { resource: string } }[] => readFileSync(auditLog, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as ReturnType<typeof events>[number]);
  for (const username of ['system:admin', 'system:kube-controller-manager', 'system:serviceaccount:kube-system:token-cleaner']) t.ok(await until(() => events().some(({ user }) => user.username === username), username));
  t.ok(events().every(({ objectRef }) => objectRef.resource === 'secrets'));
});
