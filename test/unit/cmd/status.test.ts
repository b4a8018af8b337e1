import t from 'tap';
import { formatStatus, size } from '../../../cmd/status/format.ts';
import { warningsOf, type Status } from '../../../cmd/status/gather.ts';
import { SKIFF_VERSION_TEXT } from '../../../cmd/version.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const memory = { processes: 1, rssBytes: 104e6, pssBytes: 98.4e6, anonymousBytes: 32e6 };
const STATUS: Status = {
  running: true, role: 'server', pid: 42, startedAt: '2026-11-21T09:00:00.000Z', dataDir: '/var/lib/skiff', versions: { skiff: SKIFF_VERSION_TEXT, kubernetes: '1.36.3' }, server: 'https://127.0.0.1:6443',
  nodes: [
    { name: 'n1', roles: ['control-plane'], ready: true, address: '10.0.0.1', version: 'v1.36.3+skiff1' },
    { name: 'longer-name', roles: [], ready: false, message: 'Kubelet stopped posting node status.', address: '10.0.0.2', version: 'v1.36.3+skiff1' },
  ],
  pods: { running: 3, total: 4 }, memory: { main: memory, helpers: { ...memory, processes: 3, rssBytes: 5_200_000 } }, written: { bytes: 1_234_567, since: '2026-11-21T09:00:00.000Z' },
  certificates: [{ name: 'client-admin', notBefore: '2026-11-20T09:00:00.000Z', notAfter: '2027-11-21T09:00:00.000Z' }], warnings: ['one', 'two'],
};

t.test('one screen', (t) => {
  t.equal(formatStatus(STATUS, NOW), `NODE          ROLES           STATUS     ADDRESS    VERSION
n1            control-plane   Ready      10.0.0.1   v1.36.3+skiff1
longer-name   <none>          NotReady   10.0.0.2   v1.36.3+skiff1

Skiff         ${SKIFF_VERSION_TEXT} server, Kubernetes 1.36.3, process 42, for 3h
API           https://127.0.0.1:6443
Data          /var/lib/skiff
Pods          3 running of 4
Memory        104 MB resident (98.4 MB by share, 32.0 MB anonymous)
              5.2 MB resident (98.4 MB by share, 32.0 MB anonymous) in 3 helpers
Written       1.2 MB to disks since the start 3h ago
Certificates  1, the first to end is client-admin on 2027-11-21 (364 days)
Warnings      one
              two
`);
  t.end();
});

t.test('sizes', (t) => {
  t.strictSame([0, 999, 1000, 99_949, 99_999, 1e6, 2.5e9].map(size), ['0 B', '999 B', '1.0 kB', '99.9 kB', '100.0 kB', '1.0 MB', '2.5 GB']);
  t.end();
});

t.test('warnings: nodes, certificates that end, a clock before they were made, another version installed', (t) => {
  t.strictSame(warningsOf(STATUS, NOW), ['node longer-name: Kubelet stopped posting node status.']);
  t.match(warningsOf(STATUS, Date.parse('2027-11-10T00:00:00Z')), ['node longer-name: Kubelet stopped posting node status.', /^certificate client-admin ends on 2027-11-21: it is renewed while Skiff runs/]);
  t.match(warningsOf({ ...STATUS, nodes: [] }, Date.parse('2027-12-10T00:00:00Z')), ['certificate client-admin ended on 2027-11-21']);
  t.match(warningsOf({ ...STATUS, nodes: [] }, 0), [/^the clock says 1970-01-01T00:00:00.000Z, which is before certificate client-admin was made/]);
  t.match(warningsOf({ ...STATUS, nodes: [], versions: { skiff: '0.0.1', kubernetes: '1.36.3' } }, NOW), [/^0\.0\.1 runs, .* is installed: restart Skiff; containers go on$/]);
  t.end();
});
