// The gRPC server and client, against each other over a real socket. (The server is also called by Go's, in the e2e tests of devices.)
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../../internal/base/clock.ts';
import { CODE, createGrpcClient, type GrpcClient } from '../../../agents/grpc/client.ts';
import { GrpcError } from '../../../agents/grpc/error.ts';
import { createGrpcServer, type GrpcMethod } from '../../../agents/grpc/server.ts';

const TIMEOUT = { timeoutMs: 20_000 };
const text = (value: string): Uint8Array => Buffer.from(value);

async function serve(test: Test, methods: Record<string, GrpcMethod>): Promise<{ client: GrpcClient; socket: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'skiff-grpc-'));
  const socket = join(folder, 's.sock');
  const server = createGrpcServer(socket, methods);
  await server.start();
  const client = createGrpcClient(socket, systemClock);
  test.teardown(async () => {
    client.close();
    await server.stop();
    rmSync(folder, { recursive: true });
  });
  return { client, socket, stop: () => server.stop() };
}

t.test('one message in, one out, however large', async (t) => {
  const { client } = await serve(t, { '/a.B/Echo': (request) => Promise.resolve(request) });
  for (const size of [0, 1, 70_000, 3_000_000]) {
    const sent = Buffer.alloc(size, 'x');
    t.equal(Buffer.compare(await client.call('/a.B/Echo', sent, TIMEOUT), sent), 0, `${String(size)} bytes`);
  }
});

t.test('errors come with their code and their words', async (t) => {
  const { client } = await serve(t, { '/a.B/Fail': () => Promise.reject(new GrpcError(CODE.notFound, 'no “such” 100% thing\n')), '/a.B/Break': () => Promise.reject(new Error('broken')) });
  await t.rejects(client.call('/a.B/Fail', text(''), TIMEOUT), { code: CODE.notFound, message: 'no “such” 100% thing\n' });
  await t.rejects(client.call('/a.B/Break', text(''), TIMEOUT), { code: CODE.unknown, message: 'broken' });
  await t.rejects(client.call('/a.B/Nothing', text(''), TIMEOUT), { code: CODE.unimplemented, message: 'unknown method Nothing for service a.B' });
  await t.rejects(client.call('/x.Y/Z', text(''), TIMEOUT), { code: CODE.unimplemented, message: 'unknown service x.Y' });
});

t.test('a stream gives its messages as they come, and then how it ended', async (t) => {
  const { client } = await serve(t, {
    async* '/a.B/Count'(request) {
      for (let i = 0; i < Number(Buffer.from(request).toString()); i++) yield text(String(i));
    },
    async* '/a.B/Half'() {
      yield await Promise.resolve(text('one'));
      throw new GrpcError(CODE.aborted, 'that is all');
    },
  });
  const got: string[] = [];
  await client.stream('/a.B/Count', text('3'), (message) => got.push(Buffer.from(message).toString()), new AbortController().signal);
  t.same(got, ['0', '1', '2']);
  await t.rejects(client.stream('/a.B/Half', text(''), (message) => got.push(Buffer.from(message).toString()), new AbortController().signal), { code: CODE.aborted, message: 'that is all' });
  t.same(got.slice(3), ['one']);
});

t.test('a caller that gives up ends the method\'s signal; a server that stops breaks its calls and takes its socket along', async (t) => {
  const ended = Promise.withResolvers<string>();
  const { client, socket, stop } = await serve(t, {
    async* '/a.B/Watch'(_request, signal) {
      yield text('begun');
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      ended.resolve('aborted');
    },
  });
  const giveUp = new AbortController();
  await client.stream('/a.B/Watch', text(''), () => giveUp.abort(), giveUp.signal);
  t.equal(await ended.promise, 'aborted');
  const begun = Promise.withResolvers<undefined>();
  const broken = client.stream('/a.B/Watch', text(''), () => begun.resolve(undefined), new AbortController().signal);
  broken.catch(() => {});
  await begun.promise;
  await stop();
  await t.rejects(broken, { code: CODE.unavailable });
  t.notOk(existsSync(socket));
});

t.test('a caller that says the socket\'s path as authority is answered as any other, however its bytes come', async (t) => {
  const { socket } = await serve(t, { '/a.B/Echo': (request) => Promise.resolve(request) });
  const literal = (name: string, value: string): Buffer => Buffer.concat([Buffer.from([0x40, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);
  const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
    const header = Buffer.alloc(9);
    header.writeUIntBE(payload.length, 0, 3);
    header.set([type, flags], 3);
    header.writeUInt32BE(stream, 5);
    return Buffer.concat([header, payload]);
  };
  const first = Buffer.concat([Buffer.from([0x83, 0x86]), literal(':path', '/a.B/Echo'), Buffer.from([0x41, socket.length]), Buffer.from(socket), literal('content-type', 'application/grpc')]);
  // The second call names what the first has put into the table: 62 is the newest.
  const second = Buffer.from([0x83, 0x86, 0xc0, 0xbf, 0xbe]);
  const message = Buffer.from([0, 0, 0, 0, 2, 0x68, 0x69]);
  const bytes = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, Buffer.alloc(0)), frame(1, 4, 1, first), frame(0, 1, 1, message), frame(1, 4, 3, second), frame(0, 1, 3, message)]);
  const connection = connect(socket);
  t.teardown(() => connection.destroy());
  const answers = new Promise<number>((resolve) => {
    let text = '';
    connection.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.split('\0\0\0\0\x02hi').length === 3) resolve(2);
    }).on('close', () => resolve(text.split('\0\0\0\0\x02hi').length - 1));
  });
  for (const byte of bytes) connection.write(Buffer.from([byte]));
  t.equal(await answers, 2);
});
