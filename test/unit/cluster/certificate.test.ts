import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { systemRandom } from '../../../internal/base/random.ts';
import { openAuthority } from '../../../internal/cluster/authority.ts';
import type { Clock } from '../../../internal/base/clock.ts';

const DAY_MS = 86_400_000;

t.test('openssl accepts the chain strictly, with the names of a serving certificate', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-pki-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const authority = openAuthority(directory, { clock: clockAt(Date.now()), random: systemRandom });
  const names = ['localhost', 'kubernetes.default.svc', '127.0.0.1', '10.43.0.1', 'fd00::1:2'];
  authority.leaf('serving', 'serverCa', { subject: { commonName: 'kube-apiserver' }, names, usages: ['server'] });
  const verify = (purpose: string, host: string[]): string =>
    execFileSync('openssl', ['verify', '-x509_strict', '-purpose', purpose, ...host, '-CAfile', join(directory, 'server-ca.crt'), join(directory, 'serving.crt')]).toString();
  t.match(verify('sslserver', ['-verify_hostname', 'kubernetes.default.svc']), /OK/);
  t.match(verify('sslserver', ['-verify_ip', '10.43.0.1']), /OK/);
  t.match(verify('sslserver', ['-verify_ip', 'fd00::1:2']), /OK/);
  t.throws(() => verify('sslclient', []), 'a serving certificate is no client certificate');
  t.throws(() => verify('sslserver', ['-verify_hostname', 'other']), 'other names are refused');
  t.end();
});

t.test('a leaf is kept while it serves, and made anew for a new name, near its end, or when its file is broken', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-pki-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const start = Date.UTC(2026, 10, 21);
  const leafAt = (now: number, names: string[]): string =>
    openAuthority(directory, { clock: clockAt(now), random: systemRandom }).leaf('serving', 'serverCa', { subject: { commonName: 'x', organizations: ['a', 'b'] }, names, usages: ['server'] }).certificate;
  const first = leafAt(start, ['localhost']);
  t.equal(new X509Certificate(first).subject, 'O=a\nO=b\nCN=x');
  t.equal(leafAt(start + DAY_MS, ['localhost']), first);
  const renamed = leafAt(start, ['localhost', '10.0.0.9']);
  t.not(renamed, first);
  const renewed = leafAt(start + 300 * DAY_MS, ['localhost']);
  t.not(renewed, renamed);
  writeFileSync(join(directory, 'serving.crt'), '');
  t.not(leafAt(start, ['localhost']), renewed);
  t.match(readFileSync(join(directory, 'serving.crt'), 'utf8'), /BEGIN CERTIFICATE/);
  t.end();
});

function clockAt(now: number): Clock {
  return { now: () => now, monotonicMs: () => now, setTimer: () => ({ cancel: () => {} }) };
}
