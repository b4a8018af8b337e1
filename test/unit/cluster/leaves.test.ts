// The server's certificates in the running process: renewed in time, after they ended, for a name they lack; and served with from then on.
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import t, { type Test } from 'tap';
import { systemClock, type Clock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { systemRandom } from '../../../internal/base/random.ts';
import { openAuthority } from '../../../internal/cluster/authority.ts';
import { createLeaves, type Leaves } from '../../../internal/cluster/leaves.ts';
import type { KeyPair } from '../../../internal/cluster/certificate.ts';
import { startApiServer } from '../../support/api-server.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const DAY_MS = 86_400_000;
const validTo = ({ certificate }: KeyPair): number => Date.parse(new X509Certificate(certificate).validTo);

function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), `skiff-leaves-${String(process.pid)}-`));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

t.test('a certificate is renewed before it ends, after it ended by a clock that was set, and for a name that it lacks', async (t) => {
  const directory = folder(t);
  const fake = createFakeClock(Date.UTC(2026, 10, 21));
  let setMs = 0;
  const clock: Clock = { ...fake, now: () => fake.now() + setMs };
  const authority = openAuthority(directory, { clock, random: systemRandom });
  const leaves: Leaves = createLeaves({ authority, clock, log: silentLog });
  const names = ['localhost', '10.0.0.1'];
  const leaf = leaves.hold({ file: 'serving', ca: 'serverCa', subject: { commonName: 'x' }, names: () => names, usages: ['server'] });
  const told: KeyPair[] = [];
  leaf.onRenewed((pair) => void told.push(pair));
  await leaves.start();
  const first = leaf.current;
  setMs = 260 * DAY_MS;
  await fake.advance(60_000);
  t.same([leaf.current, told], [first, []], 'not before a quarter of its life is left');
  setMs = 280 * DAY_MS;
  await fake.advance(60_000);
  t.equal(told.length, 1);
  t.ok(validTo(leaf.current) > clock.now() + 360 * DAY_MS);
  t.equal(readFileSync(join(directory, 'serving.crt'), 'utf8'), leaf.current.certificate);
  setMs = 10 * 365 * DAY_MS;
  await fake.advance(60_000);
  t.equal(told.length, 2, 'years on at once');
  t.ok(validTo(leaf.current) > clock.now());
  setMs = -20 * 365 * DAY_MS;
  await fake.advance(60_000);
  t.equal(told.length, 2, 'years back: it holds');
  t.ok(Date.parse(new X509Certificate(leaf.current.certificate).validFrom) <= clock.now());
  names.push('10.0.0.2');
  await fake.advance(60_000);
  t.match(new X509Certificate(leaf.current.certificate).subjectAltName, /10\.0\.0\.1, IP Address:10\.0\.0\.2/);
  names.shift();
  await fake.advance(60_000);
  t.equal(told.length, 3, 'a name too many is no reason');
  await leaves.stop();
  t.equal(fake.nextInMs(), undefined);
});

t.test('a CA that is made while the clock is wrong lasts past the right time', (t) => {
  const clock = createFakeClock(0);
  const { serverCa } = openAuthority(folder(t), { clock, random: systemRandom });
  t.ok(validTo(serverCa) > Date.UTC(2045, 0, 1));
  t.end();
});

t.test('certificates that last two seconds: the server always serves with one that is good, over connections made before and after', async (t) => {
  const server = await startApiServer({ leafLifetimeMs: 2000 });
  t.teardown(() => server.remove());
  const { port } = new URL(server.url);
  const served = (): Promise<X509Certificate> => new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: Number(port), ca: server.authority.serverCa.certificate }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.end();
      if (certificate === undefined) reject(new Error('no certificate'));
      else resolve(certificate);
    });
    socket.on('error', reject);
  });
  const first = await served();
  await new Promise<void>((resolve) => { server.serving.onRenewed(() => resolve()); });
  const second = await served();
  t.not(second.serialNumber, first.serialNumber);
  while (Date.now() <= Date.parse(first.validTo)) await new Promise<void>((resolve) => { systemClock.setTimer(50, resolve); setImmediate(() => {}); server.serving.onRenewed(() => resolve()); });
  t.ok(Date.parse((await served()).validTo) > Date.now(), 'past the end of the first');
});
