// Logs in CRI's format, and the framing of streams.
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { createDeflate } from 'node:zlib';
import t, { type Test } from 'tap';
import { openLog, type LogReader } from '../../../agents/kubelet/logs/log-reader.ts';
import { checkGrpcHealth, encodeRequest } from '../../../agents/kubelet/probes/grpc-health.ts';
import { getOverHttp } from '../../../agents/kubelet/probes/http-get.ts';
import { SPDY_DICTIONARY } from '../../../agents/spdy/dictionary.ts';
import { controlFrame, createFrameParser, createHeaderCodec, dataFrame, FLAG_FIN, FRAME, words } from '../../../agents/spdy/frames.ts';
import { createSpdySession } from '../../../agents/spdy/session.ts';
import type { SpdyStream } from '../../../agents/spdy/streams.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import { statusOf } from '../../../agents/kubelet/server/remote-command.ts';

const folder = mkdtempSync(join(tmpdir(), `skiff-streams-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

t.test('logs: parts are joined, streams and times chosen, the end counted in lines', (t) => {
  const path = join(folder, 'log');
  const line = (second: number, stream: string, tag: string, text: string) => `2026-01-01T00:00:0${String(second)}.000000000Z ${stream} ${tag} ${text}\n`;
  writeFileSync(path, line(1, 'stdout', 'F', 'one') + line(2, 'stderr', 'F', 'bad') + line(3, 'stdout', 'P', 'two ') + line(3, 'stdout', 'F', 'parts'));
  const all = (log: LogReader): string => {
    const pieces: Buffer[] = [];
    for (let piece = log.read(); piece !== undefined; piece = log.read()) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  };
  const read = (options: Parameters<typeof openLog>[1]): string => {
    const log = openLog(path, options);
    try {
      return all(log);
    } finally {
      log.close();
    }
  };
  t.equal(read({ timestamps: false }), 'one\nbad\ntwo parts\n');
  t.equal(read({ timestamps: true, stream: 'stdout' }), '2026-01-01T00:00:01.000000000Z one\n2026-01-01T00:00:03.000000000Z two parts\n');
  t.equal(read({ timestamps: false, tailLines: 1 }), 'two parts\n');
  const now = openLog(path, { timestamps: false, tailLines: 1, untilNow: true });
  t.equal(String(now.read()), 'two parts\n');
  appendFileSync(path, line(3, 'stderr', 'F', 'later'));
  t.equal(now.read(), undefined, 'what is written meanwhile is not waited for');
  now.close();
  writeFileSync(path, readFileSync(path, 'utf8').replace(line(3, 'stderr', 'F', 'later'), ''));
  t.equal(read({ timestamps: false, tailLines: 0 }), '');
  t.equal(read({ timestamps: false, sinceMs: Date.parse('2026-01-01T00:00:02Z') }), 'bad\ntwo parts\n');
  const reader = openLog(path, { timestamps: false, limitBytes: 16 });
  t.equal(all(reader), 'one\nbad\ntwo part');
  t.ok(reader.full());
  const following = openLog(path, { timestamps: false, tailLines: 0 });
  all(following);
  appendFileSync(path, '2026-01-01T00:00:04Z stdout F ne');
  t.equal(all(following), '', 'half a line is not shown');
  appendFileSync(path, 'xt\n');
  t.equal(all(following), 'next\n');
  appendFileSync(path, '2026-01-01T00:00:05Z stdout F last of the old\n');
  renameSync(path, `${path}.1`);
  appendFileSync(`${path}.1`, '2026-01-01T00:00:05Z stdout F and one more\n');
  t.equal(all(following), 'last of the old\nand one more\n');
  writeFileSync(path, '2026-01-01T00:00:06Z stdout F first of the new\n');
  t.equal(all(following), 'first of the new\n', 'goes on over a rotation');
  following.close();
  t.end();
});

t.test('a log is read in pieces, however long it is; what is no file is not waited for', (t) => {
  const path = join(folder, 'long');
  const lines = Array.from({ length: 40_000 }, (_, at) => ({ stream: at % 3 === 0 ? 'stderr' : 'stdout', tag: at % 7 === 0 ? 'P' : 'F', text: `${String(at)} ${'x'.repeat(at % 50)}` }));
  writeFileSync(path, lines.map(({ stream, tag, text }) => `2026-01-01T00:00:01Z ${stream} ${tag} ${text}\n`).join(''));
  const pieces = (options: Omit<Parameters<typeof openLog>[1], 'timestamps'>): Buffer[] => {
    const log = openLog(path, { timestamps: false, ...options });
    const read: Buffer[] = [];
    for (let piece = log.read(); piece !== undefined; piece = log.read()) read.push(piece);
    log.close();
    return read;
  };
  const whole = lines.map(({ tag, text }) => `${text}${tag === 'P' ? '' : '\n'}`).join('');
  t.ok(pieces({}).length > 3 && Buffer.concat(pieces({})).toString() === whole);
  for (const count of [1, 2, 1000, 39_999, 100_000]) t.equal(Buffer.concat(pieces({ tailLines: count })).toString(), `${whole.split('\n').slice(0, -1).slice(-count).join('\n')}\n`, `the last ${String(count)}`);
  const errors = lines.filter(({ stream }) => stream === 'stderr').map(({ tag, text }) => `${text}${tag === 'P' ? '' : '\n'}`).join('').split('\n').slice(0, -1);
  t.equal(Buffer.concat(pieces({ tailLines: 5000, stream: 'stderr' })).toString(), `${errors.slice(-5000).join('\n')}\n`);
  t.equal(Buffer.concat(pieces({ tailLines: 2000, limitBytes: 700 })).length, 700);
  writeFileSync(path, 'y'.repeat(17 << 20));
  t.same(pieces({}).map(String).join(''), '', 'what never ends is no line');
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  symlinkSync('/etc/hostname', join(folder, 'link'));
  for (const name of ['pipe', 'link']) t.throws(() => openLog(join(folder, name), { timestamps: false }).read(), name);
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

/** A session on a socket, and who may send it what he likes. */
async function session(t: Test): Promise<{ client: Socket; opened: SpdyStream[]; closed: Promise<void> }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect((server.address() as { port: number }).port, '127.0.0.1').on('error', () => {});
  const [socket] = await accepted;
  const opened: SpdyStream[] = [];
  const made = createSpdySession(socket);
  made.onStream((stream) => void opened.push(stream));
  t.teardown(() => {
    client.destroy();
    server.close();
  });
  return { client, opened, closed: new Promise((resolve) => made.onClose(resolve)) };
}

t.test('what is no SPDY, or would fill the memory, ends the session', async (t) => {
  const open = (id: number, block: Buffer): Buffer => controlFrame(FRAME.synStream, Buffer.concat([words(id, 0), Buffer.from([0, 0]), block]));
  const bomb = createDeflate({ dictionary: SPDY_DICTIONARY });
  const packed: Buffer[] = [];
  bomb.on('data', (chunk: Buffer) => packed.push(chunk));
  bomb.end(Buffer.concat([words(1, 1), Buffer.from('a'), words(32 << 20), Buffer.alloc(32 << 20)]));
  await once(bomb, 'end');
  const codec = createHeaderCodec();
  t.teardown(() => codec.close());
  const block = await codec.encode({ streamtype: 'data' });
  const cases: Record<string, Buffer> = {
    'a header block of 32 MB': open(1, Buffer.concat(packed)),
    'headers that end in the middle': open(1, Buffer.from([1, 2, 3])),
    'a control frame of 16 MB': Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]),
    'a stream that is there already': Buffer.concat([open(1, block), open(1, block)]),
    'a control frame without contents': controlFrame(FRAME.rstStream, Buffer.alloc(0)),
  };
  for (const [what, bytes] of Object.entries(cases)) {
    const { client, closed } = await session(t);
    client.write(bytes);
    await closed;
    t.pass(what);
  }
});

t.test('streams that have ended both ways are let go: a port-forward may have any number, one after the other', async (t) => {
  const { client, opened } = await session(t);
  client.resume();
  const codec = createHeaderCodec();
  t.teardown(() => codec.close());
  for (let id = 1; id < 9000; ) {
    for (const end = id + 1000; id < end; id += 2) client.write(controlFrame(FRAME.synStream, Buffer.concat([words(id, 0), Buffer.from([0, 0]), await codec.encode({ streamtype: 'data' })]), FLAG_FIN));
    while (opened.length < 500) await once(client, 'data');
    await Promise.all(opened.splice(0).map(({ duplex }) => once(duplex.resume().end(), 'close')));
  }
  t.notOk(client.destroyed, 'more than it may have at once');
});

t.test('probes whose answer has no end: enough of it is enough', async (t) => {
  const http = createHttpServer((_request, response) => {
    const more = (): void => { while (!response.destroyed && response.write('x'.repeat(1000))); };
    response.on('drain', more).writeHead(200);
    more();
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const grpc = createHttp2Server().listen(0, '127.0.0.1');
  grpc.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {}).respond({ ':status': 200, 'content-type': 'application/grpc' });
    const more = (): void => { while (!stream.destroyed && stream.write(Buffer.alloc(1000))); };
    stream.on('drain', more);
    more();
  });
  await once(grpc, 'listening');
  t.teardown(() => {
    http.closeAllConnections();
    http.close();
    grpc.close();
  });
  const port = (server: { address(): unknown }): number => (server.address() as { port: number }).port;
  const answer = await getOverHttp({ url: new URL(`http://127.0.0.1:${String(port(http))}/`), headers: {} }, { timeoutMs: 600_000, clock: systemClock });
  t.equal(answer.status, 200);
  t.equal(answer.body.length, 10 * 1024);
  t.match(await checkGrpcHealth({ host: '127.0.0.1', port: port(grpc), service: '' }, { timeoutMs: 600_000, clock: systemClock }), /an answer of more than/);
});

t.test('how a command ended, and a gRPC health request', (t) => {
  t.same(statusOf(0, []), { metadata: {}, status: 'Success' });
  t.match(statusOf(3, ['sh', '-c', 'exit 3']), { status: 'Failure', reason: 'NonZeroExitCode', message: 'command terminated with non-zero exit code: error executing command [sh -c exit 3], exit code 3', details: { causes: [{ reason: 'ExitCode', message: '3' }] } });
  t.same(encodeRequest('a'), Buffer.from([0, 0, 0, 0, 3, 0x0a, 1, 0x61]));
  t.end();
});
