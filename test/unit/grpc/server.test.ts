// The gRPC server and client, against each other over a real socket. (The server is also called by Go's, in the e2e tests of devices.)
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
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
