// What is read of cgroups, of both versions, and what of a node's logs is shown.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { symlinkSync } from 'node:fs';
import t from 'tap';
import { readCgroup } from '../../../agents/kubelet/stats/cgroup-readings.ts';
import { createProber } from '../../../agents/kubelet/probes/prober.ts';
import { serveSystemLogs } from '../../../agents/kubelet/server/system-logs.ts';
import { createFakeClock, settle } from '../../support/fake-clock.ts';

t.test('a cgroup of v1 and one of v2 with the same counts read alike', (t) => {
  const folder = t.testdir({
    v1: {
    memory: { 'memory.usage_in_bytes': '900\n', 'memory.max_usage_in_bytes': '1000\n', 'memory.failcnt': '3\n', 'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n', 'memory.stat': 'cache 1\nrss 1\ntotal_cache 400\ntotal_rss 500\ntotal_mapped_file 50\ntotal_swap 7\ntotal_pgfault 11\ntotal_pgmajfault 2\ntotal_inactive_file 300\n' },
    cpu: { 'cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 5000000\n' }, cpuacct: { 'cpuacct.usage': '3000000000\n', 'cpuacct.stat': 'user 200\nsystem 100\n' },
    pids: { 'pids.current': '6\n', 'pids.max': '64\n' }, blkio: { 'blkio.throttle.io_service_bytes': '8:0 Read 4096\n8:0 Write 512\n8:16 Read 4\nTotal 4612\n', 'blkio.throttle.io_serviced': '8:0 Read 2\n8:0 Write 1\n' },
    },
    v2: {
      'memory.current': '900\n', 'memory.peak': '1000\n', 'memory.swap.current': '7\n', 'memory.events': 'low 0\nhigh 0\nmax 3\noom 2\noom_kill 2\n', 'memory.stat': 'anon 500\nfile 400\nfile_mapped 50\ninactive_file 300\npgfault 11\npgmajfault 2\n',
      'cpu.stat': 'usage_usec 3000000\nuser_usec 2000000\nsystem_usec 1000000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 5000\n', 'pids.current': '6\n', 'pids.max': '64\n', 'io.stat': '8:0 rbytes=4096 wbytes=512 rios=2 wios=1 dbytes=0 dios=0\n8:16 rbytes=4 wbytes=0 rios=0 wios=0 dbytes=0 dios=0\n',
    },
  });
  const expected = {
    cpuNanos: 3e9, userNanos: 2e9, systemNanos: 1e9, periods: 10, throttledPeriods: 4, throttledNanos: 5e6, memoryBytes: 900, memoryPeakBytes: 1000, workingSetBytes: 600, rssBytes: 500, cacheBytes: 400, mappedBytes: 50,
    swapBytes: 7, pageFaults: 11, majorPageFaults: 2, limitHits: 3, oomKills: 2, processes: 6, threadsMax: 64, readBytes: 4100, writtenBytes: 512, reads: 2, writes: 1,
  };
  t.same(readCgroup((controller) => join(folder, 'v1', controller), 1), expected);
  t.same(readCgroup(() => join(folder, 'v2'), 2), expected);
  t.end();
});

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
