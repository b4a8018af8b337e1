// A cluster DNS over a memory store, on 127.0.0.1, with a resolver upstream on 127.0.0.2; dns-packet is the other side of both.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import dnsPacket, { type Packet } from 'dns-packet';
import { createDns } from '../../../agents/dns/index.ts';
import type { KubeObject } from '../../../internal/api/meta.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { systemRandom } from '../../../internal/base/random.ts';
import { createLocalViews } from '../../../internal/informer/local-views.ts';
import { ENDPOINTSLICES, SERVICES } from '../../../internal/kinds/generated/resources.ts';
import { createMemoryStore } from '../../../internal/store/memory.ts';

interface Test {
  teardown(run: () => unknown): void;
  strictSame(found: unknown, wanted: unknown, message: string): unknown;
}

export type Upstream = (question: { name: string; type: string }) => Record<string, unknown>[];

export async function setUp(t: Test, { upstream }: { upstream?: Upstream } = {}) {
  const directory = mkdtempSync(join(tmpdir(), `skiff-dns-${String(process.pid)}-`));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const resolvConf = join(directory, 'resolv.conf');
  const upstreamPort = upstream === undefined ? undefined : await startResolver(t, upstream);
  // The DNS's own address is left out, so the resolver stands on another one.
  writeFileSync(resolvConf, upstream === undefined ? '' : 'search example.com\nnameserver 127.0.0.1\nnameserver 127.0.0.2\n');
  const store = createMemoryStore({ clock: systemClock });
  const dns = createDns({
    views: createLocalViews(store), addresses: ['127.0.0.1'], port: 0, domain: 'cluster.local', resolvConf,
    clock: systemClock, random: systemRandom, log: silentLog, ...(upstreamPort !== undefined && { upstreamPort }),
  });
  await dns.start();
  t.teardown(() => dns.stop());
  return {
    udp: (packet: Packet) => overUdp(dns.port, packet),
    tcp: (packets: Packet[]) => overTcp(dns.port, packets),
    raw: (bytes: Buffer) => send(dns.port, bytes),
    add: (object: KubeObject) => store.create(object.kind === 'Service' ? SERVICES : ENDPOINTSLICES, object, 'relaxed'),
    async change(name: string, spec: object) {
      const before = store.get(SERVICES, { namespace: 'shop', name });
      await store.update(SERVICES, service(name, spec), before?.metadata.resourceVersion ?? '', 'relaxed');
    },
    /** Over UDP and over TCP, which must say the same. */
    async ask(name: string, type: string): Promise<string[]> {
      const packet: Packet = { id: 4711, flags: dnsPacket.RECURSION_DESIRED, questions: [{ name, type }] };
      const [fromTcp] = await overTcp(dns.port, [packet]);
      const text = textOf(await overUdp(dns.port, packet));
      t.strictSame(textOf(fromTcp ?? {}).sort(), [...text].sort(), `${name} ${type} over TCP as over UDP`);
      return text;
    },
  };
}

export function service(name: string, spec: object): KubeObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'shop' }, spec } as unknown as KubeObject;
}

export function slice(name: string, endpoints: object[]): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', endpoints, ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
    metadata: { name: `${name}-1`, namespace: 'shop', labels: { 'kubernetes.io/service-name': name } },
  } as unknown as KubeObject;
}

/** One line a record, with `+` for additional ones; before that the code, where there is no answer. */
function textOf({ rcode, answers = [], authorities = [], additionals = [] }: Packet): string[] {
  const text = ({ type, name, data }: Record<string, unknown>): string => {
    if (type === 'SOA') return `SOA ${String(name)}`;
    if (type === 'SRV') return `SRV ${['priority', 'weight', 'port', 'target'].map((key) => String((data as Record<string, unknown>)[key])).join(' ')}`;
    return `${String(type)} ${String(data)}`;
  };
  return [...(answers.length === 0 ? [rcode ?? ''] : []), ...answers.map(text), ...authorities.map(text), ...additionals.map((each) => `+${text(each)}`)];
}

async function overUdp(port: number, packet: Packet): Promise<Packet> {
  const socket = createSocket('udp4');
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.send(dnsPacket.encode({ type: 'query', ...packet }));
  const [message] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  return dnsPacket.decode(message);
}

async function overTcp(port: number, packets: Packet[]): Promise<Packet[]> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const bytes = Buffer.concat(packets.map((packet) => framed(dnsPacket.encode({ type: 'query', ...packet }))));
  // In two pieces, the first of which ends within a frame.
  socket.write(bytes.subarray(0, 5));
  socket.end(bytes.subarray(5));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const replies: Packet[] = [];
  for (let rest = Buffer.concat(chunks); rest.length > 0; rest = rest.subarray(2 + rest.readUInt16BE(0))) replies.push(dnsPacket.decode(rest.subarray(2, 2 + rest.readUInt16BE(0))));
  return replies;
}

async function send(port: number, bytes: Buffer): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve, reject) => socket.send(bytes, port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error))));
  socket.close();
}

/** UDP and TCP; over UDP what is long is truncated. */
async function startResolver(t: Test, answer: Upstream): Promise<number> {
  const reply = (message: Buffer, udp: boolean): Buffer => {
    const { id = 0, questions = [] } = dnsPacket.decode(message);
    const answers = questions.flatMap(answer);
    const cut = udp && answers.length > 20;
    return dnsPacket.encode({ type: 'response', id, flags: cut ? 0x0200 : 0, questions, answers: cut ? [] : answers });
  };
  const server = createServer((socket) => socket.on('data', (frame: Buffer) => socket.end(framed(reply(frame.subarray(2), false)))));
  server.listen(0, '127.0.0.2');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const udp = createSocket('udp4', (message, from) => udp.send(reply(message, true), from.port, from.address));
  udp.bind(port, '127.0.0.2');
  await once(udp, 'listening');
  t.teardown(() => void (server.close(), udp.close()));
  return port;
}

function framed(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);
}
