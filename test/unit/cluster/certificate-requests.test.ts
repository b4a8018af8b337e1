// certificates.k8s.io from the request to its use: openssl makes requests, kubectl approves, the loops sign, and the certificate lets its holder in.
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parseCertificateRequest } from '../../../internal/api/certificate-request.ts';
import { startAll } from '../../../internal/base/component.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { systemRandom } from '../../../internal/base/random.ts';
import { createClient } from '../../../internal/client/typed-client.ts';
import { formatKubeconfig } from '../../../internal/cluster/kubeconfig.ts';
import { createCertificateSigner } from '../../../internal/cluster/signer.ts';
import type { ControllerLoop } from '../../../internal/controllers/action.ts';
import { certificateApprovalLoop } from '../../../internal/controllers/certificates/approval.ts';
import { certificateCleanupLoop, plan as planCleanup } from '../../../internal/controllers/certificates/cleanup.ts';
import { certificateSigningLoop } from '../../../internal/controllers/certificates/signing.ts';
import { userOf } from '../../../internal/controllers/index.ts';
import { createEventRecorder } from '../../../internal/informer/event-recorder.ts';
import { createLocalViews } from '../../../internal/informer/local-views.ts';
import { runLoop } from '../../../internal/informer/run-loop.ts';
import type { CertificateSigningRequest } from '../../../internal/kinds/generated/api-types.ts';
import { CERTIFICATESIGNINGREQUESTS, CLUSTERROLEBINDINGS, CLUSTERROLES } from '../../../internal/kinds/generated/resources.ts';
import { startApiServer } from '../../support/api-server.ts';
import { eventually } from '../../support/until.ts';

const folder = mkdtempSync(join(tmpdir(), `skiff-csr-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const openssl = (...args: string[]): string => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] }).toString();
const KEYS: Record<string, string[]> = { rsa: ['-newkey', 'rsa:2048'], ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'], ed25519: ['-newkey', 'ed25519'], pss: ['-newkey', 'rsa:2048', '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest', '-sha256'] };
const makeRequest = (name: string, subject: string, { key = 'ec', names = '' } = {}): string => {
  openssl('req', '-new', ...(KEYS[key] ?? []), '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject, ...(names === '' ? [] : ['-addext', `subjectAltName=${names}`]));
  return readFileSync(join(folder, `${name}.csr`), 'utf8');
};

const server = await startApiServer();
t.teardown(() => server.remove());
const alive = setInterval(() => {}, 1_000_000);
t.teardown(() => clearInterval(alive));
const views = createLocalViews(server.store);
const run = (loop: ControllerLoop<never, never>): ReturnType<typeof runLoop> => {
  const client = createClient(server.pipeline.as(userOf(loop as never)));
  return runLoop(loop as never, { views, client, clock: systemClock, random: systemRandom, log: silentLog, recorder: createEventRecorder({ client, clock: systemClock, random: systemRandom, log: silentLog, component: loop.name }) });
};
const sign = createCertificateSigner({ authority: server.authority, clock: systemClock, random: systemRandom });
const running = await startAll([certificateApprovalLoop(), certificateSigningLoop(sign), certificateCleanupLoop()].map((loop) => run(loop as never)), silentLog);
t.teardown(() => running.stop());

type Spec = Partial<CertificateSigningRequest['spec']>;
const draft = (name: string, request: string, spec: Spec = {}): CertificateSigningRequest => ({
  apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name } as never,
  spec: { request: Buffer.from(request).toString('base64'), signerName: 'kubernetes.io/kube-apiserver-client', usages: ['digital signature', 'client auth'], ...spec },
});

async function wished(name: string, wish: (request: CertificateSigningRequest) => boolean): Promise<CertificateSigningRequest> {
  return eventually(async () => {
    const found = views.of(CERTIFICATESIGNINGREQUESTS).get('', name);
    if (found === undefined || !wish(found)) throw new Error(`${name} did not come to be as wished: ${JSON.stringify(found?.status)}`);
    return found;
  }, { timeoutMs: 10_000 });
}

function whoAmI(certificate: string, key: string): Promise<{ username: string; groups: string[] }> {
  return new Promise((resolve, reject) => {
    const ask = httpsRequest(`${server.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`, { agent: false, method: 'POST', ca: server.authority.serverCa.certificate, cert: certificate, key, headers: { 'content-type': 'application/json' } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve((JSON.parse(Buffer.concat(chunks).toString()) as { status: { userInfo: { username: string; groups: string[] } } }).status.userInfo));
    });
    ask.on('error', reject);
    ask.end('{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}');
  });
}

t.test('requests of every key type are read, and one that was changed is not', (t) => {
  for (const key of Object.keys(KEYS)) {
    const pem = makeRequest(`key-${key}`, '/O=a/O=b/CN=who', { key, names: 'DNS:x.example.com,IP:10.0.0.1,IP:fd00::1,email:a@b.c,URI:spiffe://x/y' });
    const request = parseCertificateRequest(pem);
    request.checkSignature();
    t.match(request, { subject: { commonName: 'who', organizations: ['a', 'b'] }, dnsNames: ['x.example.com'], emailAddresses: ['a@b.c'], uris: ['spiffe://x/y'] }, key);
    t.same(request.ipAddresses.map(({ length }) => length), [4, 16]);
    const bytes = Buffer.from(pem.replace(/-----[^-]*-----|\n/g, ''), 'base64');
    const at = bytes.indexOf('who');
    bytes[at] = 0x57;
    t.throws(() => parseCertificateRequest(`-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`).checkSignature(), /verification/, `${key}: the name was changed`);
    for (let length = 0; length < bytes.length; length += 7) t.throws(() => parseCertificateRequest(`-----BEGIN CERTIFICATE REQUEST-----\n${bytes.subarray(0, length).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`), `cut at ${String(length)}`);
  }
  t.throws(() => parseCertificateRequest('nonsense'), { message: 'PEM block type must be CERTIFICATE REQUEST' });
  t.end();
});

t.test('kubectl approves, the loop signs, and the certificate lets its holder in with all groups', async (t) => {
  const admin = server.credentials('admin', 'system:masters');
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, formatKubeconfig({ url: server.url, ca: server.authority.serverCa.certificate, certificate: admin.cert, key: admin.key }));
  // Not execFileSync: the server that it asks is in this process.
  const { command } = await import('../../../internal/base/command.ts');
  for (const key of ['rsa', 'ec', 'ed25519']) {
    const name = `user-${key}`;
    const made = await server.admin.create(CERTIFICATESIGNINGREQUESTS, draft(name, makeRequest(name, '/O=dev/O=ops/CN=jane', { key }), { expirationSeconds: 3600, username: 'forged', groups: ['system:masters'] }));
    t.match(made.spec, { username: 'admin', groups: ['system:masters', 'system:authenticated'] });
    t.match(await command('kubectl', ['--kubeconfig', kubeconfig, 'certificate', 'approve', name]), /approved/);
    const { status } = await wished(name, (request) => !!request.status?.certificate);
    t.match(status?.conditions?.[0], { type: 'Approved', reason: 'KubectlApprove', lastTransitionTime: /^\d/ });
    const pem = Buffer.from(status?.certificate ?? '', 'base64').toString();
    const certificate = new X509Certificate(pem);
    t.ok(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom) <= 3_900_000);
    t.match(await whoAmI(pem, readFileSync(join(folder, `${name}.key`), 'utf8')), { username: 'jane', groups: ['dev', 'ops', 'system:authenticated'] });
    writeFileSync(join(folder, `${name}.crt`), pem);
    writeFileSync(join(folder, 'ca.crt'), server.authority.clientCa.certificate);
    t.match(openssl('verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', 'ca.crt', `${name}.crt`), /OK/);
  }
});

t.test('a kubelet gets its client certificate by its right, and its serving one by approval', async (t) => {
  const node = createClient(server.pipeline.as({ username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] }));
  const kubelet: Spec = { signerName: 'kubernetes.io/kube-apiserver-client-kubelet', usages: ['digital signature', 'client auth'] };
  await node.create(CERTIFICATESIGNINGREQUESTS, draft('n1-client', makeRequest('n1', '/O=system:nodes/CN=system:node:n1'), kubelet));
  await server.admin.create(CLUSTERROLEBINDINGS, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'nodes-renew' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient' }, subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:nodes' }] });
  await node.create(CERTIFICATESIGNINGREQUESTS, draft('n1-again', makeRequest('n1', '/O=system:nodes/CN=system:node:n1'), kubelet));
  const { status } = await wished('n1-again', (request) => !!request.status?.certificate);
  t.match(status?.conditions?.[0], { reason: 'AutoApproved', message: 'Auto approving self kubelet client certificate after SubjectAccessReview.' });
  t.equal((await wished('n1-client', () => true)).status?.conditions, undefined, 'one that came before the right waits');

  const serving: Spec = { signerName: 'kubernetes.io/kubelet-serving', usages: ['digital signature', 'key encipherment', 'server auth'] };
  const approve = async (name: string): Promise<void> => {
    const request = await server.admin.get(CERTIFICATESIGNINGREQUESTS, { namespace: '', name });
    await server.admin.update(CERTIFICATESIGNINGREQUESTS, { ...request, status: { conditions: [{ type: 'Approved', status: 'True', reason: 'x' }] } }, { subresource: 'approval' });
  };
  await node.create(CERTIFICATESIGNINGREQUESTS, draft('n1-serving', makeRequest('n1s', '/O=system:nodes/CN=system:node:n1', { names: 'DNS:n1,IP:10.0.0.1' }), serving));
  await approve('n1-serving');
  const pem = Buffer.from((await wished('n1-serving', (request) => !!request.status?.certificate)).status?.certificate ?? '', 'base64').toString();
  t.match(new X509Certificate(pem).subjectAltName, 'DNS:n1, IP Address:10.0.0.1');
  await node.create(CERTIFICATESIGNINGREQUESTS, draft('n1-nameless', makeRequest('n1s', '/O=system:nodes/CN=system:node:n1'), serving));
  await approve('n1-nameless');
  const failed = await wished('n1-nameless', (request) => request.status?.conditions?.length === 2);
  t.match(failed.status?.conditions?.[1], { type: 'Failed', reason: 'SignerValidationFailure', message: 'DNS or IP subjectAltName is required' });
});

t.test('who may approve and sign goes by signer, and a decision stays', async (t) => {
  const rules = [{ apiGroups: ['certificates.k8s.io'], resources: ['certificatesigningrequests', 'certificatesigningrequests/approval', 'certificatesigningrequests/status'], verbs: ['*'] }];
  await server.admin.create(CLUSTERROLES, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'requests' }, rules });
  await server.admin.create(CLUSTERROLES, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'signer' }, rules: [{ apiGroups: ['certificates.k8s.io'], resources: ['signers'], resourceNames: ['example.com/*'], verbs: ['approve', 'sign'] }] });
  for (const [name, role] of [['a', 'requests'], ['b', 'signer']] as const) await server.admin.create(CLUSTERROLEBINDINGS, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role }, subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'ann' }] });
  const ann = createClient(server.pipeline.as({ username: 'ann', groups: ['system:authenticated'] }));
  const pem = makeRequest('ann', '/CN=ann');
  await t.rejects(ann.create(CERTIFICATESIGNINGREQUESTS, draft('masters', makeRequest('masters', '/O=system:masters/CN=ann'))), { message: 'certificatesigningrequests.certificates.k8s.io "masters" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed' });
  const approved = (request: CertificateSigningRequest): CertificateSigningRequest => ({ ...request, status: { ...request.status, conditions: [{ type: 'Approved', status: 'True', reason: 'x' }] } });
  const theirs = await ann.create(CERTIFICATESIGNINGREQUESTS, draft('theirs', pem));
  await t.rejects(ann.update(CERTIFICATESIGNINGREQUESTS, approved(theirs), { subresource: 'approval' }), { message: 'certificatesigningrequests.certificates.k8s.io "theirs" is forbidden: user not permitted to approve requests with signerName "kubernetes.io/kube-apiserver-client"' });
  const own = await ann.create(CERTIFICATESIGNINGREQUESTS, draft('own', pem, { signerName: 'example.com/mine' }));
  const decided = await ann.update(CERTIFICATESIGNINGREQUESTS, approved(own), { subresource: 'approval' });
  const certificate = Buffer.from(server.authority.clientCa.certificate).toString('base64');
  await t.rejects(ann.updateStatus(CERTIFICATESIGNINGREQUESTS, { ...decided, status: { ...decided.status, certificate: 'eA==' } }), /must contain at least one CERTIFICATE PEM block/);
  const signed = await ann.updateStatus(CERTIFICATESIGNINGREQUESTS, { ...decided, status: { conditions: [{ type: 'Approved', status: 'True', message: 'forged' }, { type: 'Ready', status: 'False' }], certificate } });
  t.match(signed.status, { certificate, conditions: [{ type: 'Approved', reason: 'x', message: undefined }, { type: 'Ready', lastUpdateTime: /^\d/ }] });
  await t.rejects(ann.updateStatus(CERTIFICATESIGNINGREQUESTS, { ...signed, status: { ...signed.status, conditions: [] } }), /updates may not remove a condition of type \\?"Approved/);
  await t.rejects(ann.update(CERTIFICATESIGNINGREQUESTS, { ...signed, status: { ...signed.status, conditions: [...(signed.status?.conditions ?? []), { type: 'Denied', status: 'True' }] } }, { subresource: 'approval' }), /Approved and Denied conditions are mutually exclusive/);
  await t.rejects(ann.create(CERTIFICATESIGNINGREQUESTS, draft('bad', 'x', { signerName: 'one', usages: ['client auth', 'client auth'], expirationSeconds: 5 })), { message: /spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST, spec.usages\[1\]: Duplicate value: "client auth", spec.signerName: Invalid value: "one": must be a fully qualified domain and path of the form 'example.com\/signer-name', spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 600 seconds \(10 minutes\)/ });
});

t.test('requests are taken away when nobody needs them any more', (t) => {
  const now = Date.UTC(2026, 10, 21);
  const request = (status: object, ageHours = 0): CertificateSigningRequest => ({ ...draft('x', ''), metadata: { name: 'x', creationTimestamp: new Date(now - ageHours * 3_600_000).toISOString() } as never, status });
  const condition = (type: string, hours: number): object => ({ conditions: [{ type, status: 'True', lastUpdateTime: new Date(now - hours * 3_600_000).toISOString() }] });
  const goes = (status: object, ageHours = 0): boolean => planCleanup(request(status, ageHours), now).actions.length === 1;
  t.same([goes({}, 23), goes({}, 25)], [false, true], 'undecided');
  t.same([goes(condition('Denied', 0.9)), goes(condition('Denied', 1.1))], [false, true]);
  t.same([goes(condition('Approved', 2)), goes(condition('Approved', 25))], [false, true], 'approved and not signed');
  t.same([goes({ ...condition('Approved', 0.5), certificate: 'eA==' }), goes({ ...condition('Approved', 2), certificate: 'eA==' })], [false, true], 'signed');
  t.end();
});
