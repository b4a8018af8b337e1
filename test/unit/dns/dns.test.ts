// The cluster DNS over real sockets, over UDP and TCP alike.
import dnsPacket from 'dns-packet';
import t from 'tap';
import { systemRandom } from '../../../internal/base/random.ts';
import { service, setUp, slice } from './scene.ts';

const NODATA = ['NOERROR', 'SOA cluster.local'];
const NXDOMAIN = ['NXDOMAIN', 'SOA cluster.local'];

t.test('a Service with a cluster IP', async (t) => {
  const { ask, add } = await setUp(t);
  await add(service('web', { clusterIP: '10.43.1.1', clusterIPs: ['10.43.1.1', 'fd00::1:1'], ports: [{ name: 'http', port: 80 }, { name: 'dns', port: 53, protocol: 'UDP' }] }));
  t.strictSame(await ask('web.shop.svc.cluster.local', 'A'), ['A 10.43.1.1']);
  t.strictSame(await ask('web.shop.svc.cluster.local', 'AAAA'), ['AAAA fd00::1:1']);
  t.strictSame(await ask('_http._tcp.web.shop.svc.cluster.local', 'SRV'), ['SRV 0 100 80 web.shop.svc.cluster.local', '+A 10.43.1.1', '+AAAA fd00::1:1']);
  t.strictSame(await ask('_dns._udp.web.shop.svc.cluster.local', 'SRV'), ['SRV 0 100 53 web.shop.svc.cluster.local', '+A 10.43.1.1', '+AAAA fd00::1:1']);
  t.strictSame(await ask('_http._udp.web.shop.svc.cluster.local', 'SRV'), NXDOMAIN);
  t.strictSame(await ask('_tcp.web.shop.svc.cluster.local', 'SRV'), NODATA);
  t.strictSame(await ask('1.1.43.10.in-addr.arpa', 'PTR'), ['PTR web.shop.svc.cluster.local']);
  t.strictSame(await ask(`1.0.0.0.1.0.0.0.${'0.'.repeat(20)}0.0.d.f.ip6.arpa`, 'PTR'), ['PTR web.shop.svc.cluster.local']);
  t.strictSame(await ask('web.shop.svc.cluster.local', 'TXT'), NODATA, 'a name without such a record');
  t.strictSame(await ask('shop.svc.cluster.local', 'A'), NODATA, 'a name with names below it');
  t.strictSame(await ask('none.shop.svc.cluster.local', 'A'), NXDOMAIN);
  t.strictSame(await ask('none.svc.cluster.local', 'A'), NXDOMAIN);
});

t.test('a headless Service', async (t) => {
  const { ask, add } = await setUp(t);
  await add(service('db', { clusterIP: 'None', clusterIPs: ['None'], ports: [{ name: 'sql', port: 1 }] }));
  t.strictSame(await ask('db.shop.svc.cluster.local', 'A'), NODATA, 'without endpoints');
  t.strictSame(await ask('_sql._tcp.db.shop.svc.cluster.local', 'SRV'), NODATA, 'without endpoints');
  await add(slice('db', [
    { addresses: ['10.42.0.5'], hostname: 'db-0', conditions: { ready: true } },
    { addresses: ['10.42.0.6'], conditions: {} },
    { addresses: ['10.42.0.7'], hostname: 'db-2', conditions: { ready: false } },
  ]));
  t.strictSame((await ask('db.shop.svc.cluster.local', 'A')).sort(), ['A 10.42.0.5', 'A 10.42.0.6'], 'the ready ones');
  t.strictSame(await ask('db-0.db.shop.svc.cluster.local', 'A'), ['A 10.42.0.5']);
  t.strictSame(await ask('10-42-0-6.db.shop.svc.cluster.local', 'A'), ['A 10.42.0.6']);
  t.strictSame(await ask('db-2.db.shop.svc.cluster.local', 'A'), NXDOMAIN);
  t.strictSame((await ask('_sql._tcp.db.shop.svc.cluster.local', 'SRV')).sort(), [
    '+A 10.42.0.5', '+A 10.42.0.6', 'SRV 0 50 5432 10-42-0-6.db.shop.svc.cluster.local', 'SRV 0 50 5432 db-0.db.shop.svc.cluster.local',
  ]);
  t.strictSame(await ask('5.0.42.10.in-addr.arpa', 'PTR'), ['PTR db-0.db.shop.svc.cluster.local']);
  t.strictSame(await ask('db.shop.svc.cluster.local', 'AAAA'), NODATA);
});

t.test('a headless Service that shows its endpoints before they are ready', async (t) => {
  const { ask, add } = await setUp(t);
  await add(service('db', { clusterIP: 'None', publishNotReadyAddresses: true }));
  await add(slice('db', [{ addresses: ['10.42.0.7'], hostname: 'db-0', conditions: { ready: false } }]));
  t.strictSame(await ask('db-0.db.shop.svc.cluster.local', 'A'), ['A 10.42.0.7']);
});

t.test('an ExternalName, which then changes', async (t) => {
  const { ask, add, change } = await setUp(t, { upstream: () => [{ type: 'A', name: 'foo.example.com', ttl: 60, data: '192.0.2.7' }] });
  await add(service('web', { clusterIP: '10.43.1.1' }));
  await add(service('alias', { type: 'ExternalName', externalName: 'foo.example.com' }));
  t.strictSame(await ask('alias.shop.svc.cluster.local', 'CNAME'), ['CNAME foo.example.com']);
  t.strictSame(await ask('alias.shop.svc.cluster.local', 'A'), ['CNAME foo.example.com', 'A 192.0.2.7'], 'followed to the resolvers outside');
  await change('alias', { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' });
  t.strictSame(await ask('alias.shop.svc.cluster.local', 'A'), ['CNAME web.shop.svc.cluster.local', 'A 10.43.1.1'], 'followed within the cluster');
  await change('alias', { type: 'ExternalName', externalName: 'alias.shop.svc.cluster.local' });
  t.equal((await ask('alias.shop.svc.cluster.local', 'A')).length, 8, 'a circle ends');
  await change('alias', { type: 'ClusterIP', clusterIP: '10.43.1.2' });
  t.strictSame(await ask('alias.shop.svc.cluster.local', 'A'), ['A 10.43.1.2']);
});

t.test('the zone’s own names, and pods’', async (t) => {
  const { ask } = await setUp(t);
  t.strictSame(await ask('dns-version.cluster.local', 'TXT'), ['TXT 1.1.0']);
  t.strictSame(await ask('cluster.local', 'NS'), ['NS ns.dns.cluster.local']);
  t.strictSame(await ask('ns.dns.cluster.local', 'A'), ['A 127.0.0.1']);
  t.strictSame(await ask('cluster.local', 'SOA'), ['SOA cluster.local']);
  t.strictSame(await ask('10-42-0-5.shop.pod.cluster.local', 'A'), ['A 10.42.0.5']);
  t.strictSame(await ask('fd00--5.shop.pod.cluster.local', 'AAAA'), ['AAAA fd00::5']);
  t.strictSame(await ask('web.shop.pod.cluster.local', 'A'), NXDOMAIN);
  t.strictSame(await ask('other.cluster.local', 'A'), NXDOMAIN);
});

t.test('the wire: spelling, EDNS, truncation, and what is refused', async (t) => {
  const { udp, tcp, add } = await setUp(t);
  await add(service('db', { clusterIP: 'None' }));
  await add(slice('db', Array.from({ length: 100 }, (_, index) => ({ addresses: [`10.42.0.${String(index)}`] }))));
  const question = { name: 'DB.Shop.svc.Cluster.local', type: 'A' };
  const plain = await udp({ id: 7, questions: [question] });
  t.match(plain, { id: 7, flag_tc: true, flag_aa: true, rcode: 'NOERROR', questions: [{ name: 'DB.Shop.svc.Cluster.local' }] });
  t.equal(plain.answers?.[0]?.['name'], 'DB.Shop.svc.Cluster.local');
  t.equal(plain.answers?.length, Math.floor((512 - 12 - 31) / 16), 'as many as 512 bytes hold');
  const more = await udp({ id: 8, questions: [question], additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] }] });
  t.equal(more.answers?.length, Math.floor((1232 - 12 - 31 - 11) / 16), 'with EDNS more');
  t.match(more.additionals, [{ type: 'OPT', udpPayloadSize: 1232 }]);
  const replies = await tcp([{ id: 9, questions: [question] }, { id: 10, questions: [{ name: 'none.shop.svc.cluster.local', type: 'A' }] }]);
  t.match(replies, [{ id: 9, flag_tc: false }, { id: 10, rcode: 'NXDOMAIN' }], 'two questions on one connection');
  t.equal(replies[0]?.answers?.length, 100, 'over TCP all of them');
  t.match(await udp({ id: 11, questions: [question, question] }), { rcode: 'FORMERR' });
  t.match(await udp({ id: 12, questions: [{ ...question, class: 'CH' }] }), { rcode: 'REFUSED' });
  t.match(await udp({ id: 13, questions: [{ ...question, type: 'AXFR' }] }), { rcode: 'REFUSED' });
  t.match(await udp({ id: 14, flags: 5 << 11, questions: [question] }), { rcode: 'NOTIMP' });
});

t.test('names of others', async (t) => {
  let asked = 0;
  const { ask, udp, tcp } = await setUp(t, {
    upstream: ({ name }) => {
      asked++;
      if (name === 'big.example.com') return Array.from({ length: 60 }, (_, index) => ({ type: 'A', name, ttl: 60, data: `192.0.2.${String(index)}` }));
      return name === 'foo.example.com' ? [{ type: 'A', name, ttl: 60, data: '192.0.2.7' }] : [];
    },
  });
  t.strictSame(await Promise.all([ask('foo.example.com', 'A'), ask('foo.example.com', 'A')]), [['A 192.0.2.7'], ['A 192.0.2.7']]);
  const flags = dnsPacket.RECURSION_DESIRED;
  const spelled = await udp({ id: 21, flags, questions: [{ name: 'FOO.example.com', type: 'A' }] });
  t.match(spelled, { id: 21, questions: [{ name: 'FOO.example.com' }], answers: [{ data: '192.0.2.7' }] }, 'from the cache, as this client spelled it');
  t.equal(asked, 1, 'the resolver was asked once');
  t.match(await udp({ id: 22, flags, questions: [{ name: 'big.example.com', type: 'A' }] }), { id: 22, flag_tc: true });
  const [big] = await tcp([{ id: 23, flags, questions: [{ name: 'big.example.com', type: 'A' }] }]);
  t.match(big, { id: 23, flag_tc: false });
  t.equal(big?.answers?.length, 60, 'truncated upstream, so asked over TCP');
  t.strictSame(await ask('9.2.0.192.in-addr.arpa', 'PTR'), ['NOERROR'], 'addresses that are not the cluster’s');
});

t.test('names of others when no resolver answers', async (t) => {
  const { ask } = await setUp(t);
  t.strictSame(await ask('foo.example.com', 'A'), ['SERVFAIL']);
});

t.test('broken packets do not stop it', async (t) => {
  const { ask, raw } = await setUp(t);
  for (let length = 0; length < 60; length++) await raw(systemRandom.bytes(length));
  await raw(Buffer.from('000101000001000000000000c00c00010001', 'hex'));
  t.strictSame(await ask('dns-version.cluster.local', 'TXT'), ['TXT 1.1.0']);
});
