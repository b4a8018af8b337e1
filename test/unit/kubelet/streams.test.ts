// Logs in CRI's format, and the framing of streams.
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import t from 'tap';
import { openLog } from '../../../agents/kubelet/logs/log-reader.ts';
import { encodeRequest } from '../../../agents/kubelet/probes/grpc-health.ts';
import { controlFrame, createFrameParser, createHeaderCodec, dataFrame, FRAME, words } from '../../../agents/spdy/frames.ts';
import { createSpdySession } from '../../../agents/spdy/session.ts';
import { statusOf } from '../../../agents/kubelet/server/remote-command.ts';

const folder = mkdtempSync(join(tmpdir(), `skiff-streams-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

t.test('logs: parts are joined, streams and times chosen, the end counted in lines', (t) => {
  const path = join(folder, 'log');
  const line = (second: number, stream: string, tag: string, text: string) => `2026-01-01T00:00:0${String(second)}.000000000Z ${stream} ${tag} ${text}\n`;
  writeFileSync(path, line(1, 'stdout', 'F', 'one') + line(2, 'stderr', 'F', 'bad') + line(3, 'stdout', 'P', 'two ') + line(3, 'stdout', 'F', 'parts'));
  const read = (options: Parameters<typeof openLog>[1]) => openLog(path, options).read().toString();
  t.equal(read({ timestamps: false }), 'one\nbad\ntwo parts\n');
  t.equal(read({ timestamps: true, stream: 'stdout' }), '2026-01-01T00:00:01.000000000Z one\n2026-01-01T00:00:03.000000000Z two parts\n');
  t.equal(read({ timestamps: false, tailLines: 1 }), 'two parts\n');
  t.equal(read({ timestamps: false, tailLines: 0 }), '');
  t.equal(read({ timestamps: false, sinceMs: Date.parse('2026-01-01T00:00:02Z') }), 'bad\ntwo parts\n');
  const reader = openLog(path, { timestamps: false, limitBytes: 16 });
  t.equal(reader.read().toString(), 'one\nbad\ntwo part');
  t.ok(reader.full());
  const following = openLog(path, { timestamps: false, tailLines: 0 });
  following.read();
  appendFileSync(path, '2026-01-01T00:00:04Z stdout F ne');
  t.equal(following.read().toString(), '', 'half a line is not shown');
  appendFileSync(path, 'xt\n');
  t.equal(following.read().toString(), 'next\n');
  appendFileSync(path, '2026-01-01T00:00:05Z stdout F last of the old\n');
  renameSync(path, `${path}.1`);
  appendFileSync(`${path}.1`, '2026-01-01T00:00:05Z stdout F and one more\n');
  t.equal(following.read().toString(), 'last of the old\nand one more\n');
  writeFileSync(path, '2026-01-01T00:00:06Z stdout F first of the new\n');
  t.equal(following.read().toString(), 'first of the new\n', 'goes on over a rotation');
  following.close();
  t.end();
});

t.test('SPDY header blocks and frames survive the way there and back, in any pieces', async (t) => {
  const [a, b] = [createHeaderCodec(), createHeaderCodec()];
  for (const headers of [{ streamtype: 'error' }, { streamtype: 'stdin', port: '80' }, {}]) {
    const block = await a.encode(headers);
    t.same(block.subarray(-4), Buffer.from([0, 0, 0xff, 0xff]), 'ends with the empty stored block');
    t.same(await b.decode(block), headers);
  }
  a.close();
  b.close();
  const bytes = Buffer.concat([dataFrame(3, Buffer.from('abc'), true), controlFrame(FRAME.ping, words(7))]);
  const parser = createFrameParser();
  const frames = [...bytes].flatMap((byte) => parser.push(Buffer.from([byte])));
  t.same(frames, [{ kind: 'data', stream: 3, fin: true, data: Buffer.from('abc') }, { kind: 'control', type: FRAME.ping, flags: 0, data: words(7) }]);
});

t.test('a SPDY session opens streams, carries bytes both ways beyond a window, and ends them', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [socket] = await accepted;
  const session = createSpdySession(socket);
  session.onStream(({ duplex }) => duplex.pipe(duplex));
  const codec = createHeaderCodec();
  client.write(controlFrame(FRAME.synStream, Buffer.concat([words(1, 0), Buffer.from([0, 0]), await codec.encode({ streamtype: 'stdin' })])));
  const sent = Buffer.alloc(300_000, 'x');
  const parser = createFrameParser();
  const received: Buffer[] = [];
  let window = 65_536;
  let at = 0;
  const pump = (): void => {
    while (at < sent.length && window > 0) {
      const size = Math.min(10_000, window, sent.length - at);
      client.write(dataFrame(1, sent.subarray(at, at + size), at + size === sent.length));
      at += size;
      window -= size;
    }
  };
  const finished = new Promise<void>((resolve) => client.on('data', (chunk: Buffer) => {
    for (const frame of parser.push(chunk)) {
      if (frame.kind === 'data') {
        received.push(frame.data);
        if (frame.data.length > 0) client.write(Buffer.concat([controlFrame(FRAME.windowUpdate, words(1, frame.data.length)), controlFrame(FRAME.windowUpdate, words(0, frame.data.length))]));
        if (frame.fin) resolve();
      } else if (frame.type === FRAME.windowUpdate && frame.data.readUInt32BE(0) === 1) {
        window += frame.data.readUInt32BE(4);
        pump();
      }
    }
  }));
  pump();
  await finished;
  t.ok(Buffer.concat(received).equals(sent));
  session.close();
  client.destroy();
  server.close();
  codec.close();
});

t.test('how a command ended, and a gRPC health request', (t) => {
  t.same(statusOf(0), { metadata: {}, status: 'Success' });
  t.match(statusOf(3), { status: 'Failure', reason: 'NonZeroExitCode', message: 'command terminated with non-zero exit code: exit status 3', details: { causes: [{ reason: 'ExitCode', message: '3' }] } });
  t.same(encodeRequest('a'), Buffer.from([0, 0, 0, 0, 3, 0x0a, 1, 0x61]));
  t.end();
});
