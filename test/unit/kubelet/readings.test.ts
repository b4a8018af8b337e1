// How probes are counted, and what of a node's logs is shown.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { symlinkSync } from 'node:fs';
import t from 'tap';
import { createProber } from '../../../agents/kubelet/probes/prober.ts';
import { serveSystemLogs } from '../../../agents/kubelet/server/system-logs.ts';
import { createFakeClock, settle } from '../../support/fake-clock.ts';

t.test('probes are counted by how they went', async (t) => {
  const clock = createFakeClock();
  let outcome: 'success' | 'failure' = 'success';
  const prober = createProber({ container: { name: 'a', readinessProbe: { periodSeconds: 1 } } as never, startedAt: clock.now(), clock, run: () => Promise.resolve({ outcome, output: '' }), onChange() {}, event() {} });
  t.teardown(() => prober.stop());
  await clock.advance(1000);
  await settle();
  outcome = 'failure';
  await clock.advance(1000);
  await settle();
  t.ok((prober.counts.get('Readiness successful') ?? 0) > 0 && (prober.counts.get('Readiness failed') ?? 0) > 0);
});

t.test('logs of the node: folders as links, files whole, nothing outside', async (t) => {
  const root = t.testdir({ log: { 'a<b': 'x', pods: { 'one.log': 'line\n', 'empty.log': '' } }, secret: 'no' });
  symlinkSync('../../secret', join(root, 'log/pods/escape'));
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    void serveSystemLogs(response, { path: pathname.split('/').filter((part) => part !== '').map(decodeURIComponent), isFolder: pathname.endsWith('/'), roots: [join(root, 'log')] });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const ask = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}${path}`, { redirect: 'manual' });
    return [response.status, await response.text()];
  };
  t.match(await ask('/'), [200, /<a href="a%3Cb">a&lt;b<\/a>\n<a href="pods\/">pods\/<\/a>/]);
  t.same(await ask('/pods/one.log'), [200, 'line\n']);
  t.same(await ask('/pods/empty.log'), [200, '']);
  t.same((await ask('/pods'))[0], 301);
  t.same((await ask('/pods/escape'))[0], 404, 'a link that leads out');
  t.same((await ask('/..%2fsecret'))[0], 404);
  t.same((await ask('/none'))[0], 404);
});
