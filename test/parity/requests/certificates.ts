// Certificate signing requests: what they are refused for, who may name which signer, and the ways of approval, denial and issue.
import type { Row } from '../exchange.ts';
import { get, patch, post, put, remove, TABLE } from '../rows.ts';

const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
/** Of alice in devs, of node n1, and of a member of system:masters. */
const CSR = 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIWk1JR0JBZ0VBTUI4eERqQU1CZ05WQkFNTUJXRnNhV05sTVEwd0N3WURWUVFLREFSa1pYWnpNRmt3RXdZSApLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFNXN6ZklPcHF3dnpWTFF5aVpveERpckdlNy9HZWc4UWsxZ3oyCjVPMDlLY3ZWRThMOUo1UDJNeG5maUxTMkw3Mm1kc1NhY2tZTU9HTy9yRTVoM1dCeXhxQUFNQW9HQ0NxR1NNNDkKQkFNQ0EwY0FNRVFDSUM4UlgwMUhtb0czV0hvQkY0SjJ5T1RLdjB0RjJpaXVMNm1lK2VueGpBTVRBaUJYMnc1OQptSU9qZlhpbDhDdS9wa2o4MGRpTTIvdnpsRERILzhBUjM5TzBhdz09Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=';
const NODE = 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlJQkN6Q0JzZ0lCQURBd01SVXdFd1lEVlFRS0RBeHplWE4wWlcwNmJtOWtaWE14RnpBVkJnTlZCQU1NRG5ONQpjM1JsYlRwdWIyUmxPbTR4TUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFNXN6ZklPcHF3dnpWCkxReWlab3hEaXJHZTcvR2VnOFFrMWd6MjVPMDlLY3ZWRThMOUo1UDJNeG5maUxTMkw3Mm1kc1NhY2tZTU9HTy8KckU1aDNXQnl4cUFnTUI0R0NTcUdTSWIzRFFFSkRqRVJNQTh3RFFZRFZSMFJCQVl3QklJQ2JqRXdDZ1lJS29aSQp6ajBFQXdJRFNBQXdSUUloQU1GbTNNQkord21NdWpFY3RCYW9Tbjd0V3d0TnhHMUZ4M2RiY1RmT1NNMm5BaUJzCkZseU9Ed2VCTVN3eHc4RGpLTkhWTWdJSlBTVytQSldiNUluYTZMbWpNQT09Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=';
const MASTERS = 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIaE1JR0hBZ0VBTUNVeEZ6QVZCZ05WQkFvTURuTjVjM1JsYlRwdFlYTjBaWEp6TVFvd0NBWURWUVFEREFGdApNRmt3RXdZSEtvWkl6ajBDQVFZSUtvWkl6ajBEQVFjRFFnQUU1c3pmSU9wcXd2elZMUXlpWm94RGlyR2U3L0dlCmc4UWsxZ3oyNU8wOUtjdlZFOEw5SjVQMk14bmZpTFMyTDcybWRzU2Fja1lNT0dPL3JFNWgzV0J5eHFBQU1Bb0cKQ0NxR1NNNDlCQU1DQTBrQU1FWUNJUUNLMFV0dE9oWUJIc01tYkpUd2F3aGpwS3g4Y0ppaGZ5eGxmUDNxbmJVTgo5QUloQUx1TXdoRk5MQlk3azF4ci9WNm5wUXVIZHczdG5GLy8xYUIrUTJiVDNMSmgKLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==';
const CERTIFICATE = 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJPVENCNFFJVUZMSnBmcDBuZWYrMkNHYVVRemxFaW1wL2RrQXdDZ1lJS29aSXpqMEVBd0l3SHpFT01Bd0cKQTFVRUF3d0ZZV3hwWTJVeERUQUxCZ05WQkFvTUJHUmxkbk13SUJjTk1qWXhNVEl4TWpBek16RTJXaGdQTWpFeQpOakV3TWpneU1ETXpNVFphTUI4eERqQU1CZ05WQkFNTUJXRnNhV05sTVEwd0N3WURWUVFLREFSa1pYWnpNRmt3CkV3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFNXN6ZklPcHF3dnpWTFF5aVpveERpckdlNy9HZWc4UWsKMWd6MjVPMDlLY3ZWRThMOUo1UDJNeG5maUxTMkw3Mm1kc1NhY2tZTU9HTy9yRTVoM1dCeXhqQUtCZ2dxaGtqTwpQUVFEQWdOSEFEQkVBaUJaUklsMDdmVWV5d3VxTDM4V1RVSUQ3TzVKZUZqdWtGekd5U2ZmdXlkc1N3SWdTUHJBCmd0cVJxUWErbnM1bmNrZ2RMUGg1czF4TlVNZ1VQZTRVV1Nta2FUbz0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const object = (name: string, spec: object): object => ({ apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name: `{ns}-${name}` }, spec: { request: CSR, signerName: 'example.test/signer', usages: ['client auth'], ...spec } });
const csr = (name: string, spec: object = {}): Row => post(`csr: ${name}`, `${CSRS}?dryRun=All`, object('x', spec));
const made = (name: string, spec: object = {}, more: Partial<Row> = {}): Row => post(`csr: made ${name}`, CSRS, object(name, spec), more);
const condition = (type: string, more: object = {}): object => ({ type, status: 'True', reason: 'x', message: 'm', ...more });
const approve = (name: string, of: string, conditions: readonly object[], more: Partial<Row> = {}): Row => patch(`csr: ${name}`, `${CSRS}/{ns}-${of}/approval`, { status: { conditions } }, 'merge', more);
const status = (name: string, of: string, value: object): Row => patch(`csr: ${name}`, `${CSRS}/{ns}-${of}/status`, { status: value }, 'merge');

export const CERTIFICATES: readonly Row[] = [
  csr('ok'), csr('garbage', { request: base64('x') }), csr('empty', { request: '' }), csr('no signer', { signerName: '' }), csr('bad signer', { signerName: 'abc' }), csr('bad signer 2', { signerName: 'A_b/c d' }), csr('legacy signer', { signerName: 'kubernetes.io/legacy-unknown' }),
  csr('long signer', { signerName: `${'a'.repeat(64)}.example/x` }), csr('no usages', { usages: [] }), csr('odd usages', { usages: ['odd', 'client auth', 'client auth'] }), csr('short', { expirationSeconds: 599 }), csr('user', { username: 'bob', uid: 'x', groups: ['a'], extra: { a: ['b'] } }),
  csr('kubelet signer by masters', { signerName: 'kubernetes.io/kube-apiserver-client' }), csr('masters request', { request: MASTERS, signerName: 'kubernetes.io/kube-apiserver-client' }),
  csr('kubelet client, not a node', { signerName: 'kubernetes.io/kube-apiserver-client-kubelet' }), csr('kubelet serving', { signerName: 'kubernetes.io/kubelet-serving', request: NODE, usages: ['server auth', 'digital signature'] }), csr('kubelet client', { signerName: 'kubernetes.io/kube-apiserver-client-kubelet', request: NODE, usages: ['client auth', 'digital signature'] }),
  csr('odd kubernetes signer', { signerName: 'kubernetes.io/odd' }), 
  made('a', { extra: { a: ['b'] } }, { as: 'alice', headers: { 'impersonate-group': 'system:masters' } }), made('b'), made('c', { signerName: 'kubernetes.io/odd' }), made('d'),
  get('csr: table', `${CSRS}/{ns}-a`, { accept: TABLE }),
  patch('csr: spec', `${CSRS}/{ns}-a`, { spec: { usages: ['server auth'], signerName: 'a.b/c', expirationSeconds: 700 } }, 'merge'),
  patch('csr: conditions by the object', `${CSRS}/{ns}-a`, { status: { conditions: [condition('Approved')] } }, 'merge'),
  approve('odd type', 'a', [condition('')]), approve('status false', 'a', [condition('Approved', { status: 'False' })]), approve('status odd', 'a', [condition('Approved', { status: 'Odd' })]), approve('custom type', 'a', [condition('Odd', { status: 'Unknown' })]), approve('both', 'a', [condition('Approved'), condition('Denied')]), approve('twice', 'a', [condition('Approved'), condition('Approved')]),
  status('approved by status', 'b', { conditions: [condition('Approved')] }), status('certificate before', 'b', { certificate: CERTIFICATE }), status('failed by status', 'd', { conditions: [condition('Failed')] }), status('failed gone', 'd', { conditions: [] }),
  approve('approved by nobody', 'a', [condition('Approved')], { as: 'mallory' }),
  approve('approved', 'a', [condition('Approved')]), approve('approval withdrawn', 'a', []), approve('denied after', 'a', [condition('Approved'), condition('Denied')]), approve('changed reason', 'a', [condition('Approved', { reason: 'y' })]),
  approve('certificate by approval', 'a', [condition('Approved')]), patch('csr: certificate by approval 2', `${CSRS}/{ns}-a/approval`, { status: { certificate: CERTIFICATE } }, 'merge'),
  status('certificate of garbage', 'a', { certificate: base64('x') }), status('pem of another', 'a', { certificate: CSR }), status('certificate', 'a', { certificate: CERTIFICATE }), status('certificate changed', 'a', { certificate: base64(`${Buffer.from(CERTIFICATE, 'base64').toString()}\n`) }), status('certificate gone', 'a', { certificate: null }), status('failed after', 'a', { conditions: [condition('Approved'), condition('Failed')] }),
  approve('denied', 'b', [condition('Denied')]), status('certificate of denied', 'b', { certificate: CERTIFICATE }),
  get('csr: table after', CSRS, { accept: TABLE }),
  get('csr: approval', `${CSRS}/{ns}-a/approval`), put('csr: put approval of nothing', `${CSRS}/{ns}-zz/approval`, { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name: '{ns}-zz' }, spec: { request: CSR, signerName: 'a.b/c', usages: ['any'] } }),
  ...['a', 'b', 'c', 'd'].map((n) => remove(`csr: ${n} gone`, `${CSRS}/{ns}-${n}`)),
];
