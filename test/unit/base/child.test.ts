// Programs that are started: what they are given and give, how they end, and that they inherit nothing else.
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { startChild } from '../../../internal/base/child.ts';
import { tryCommand } from '../../../internal/base/command.ts';

async function textOf(stream: Socket | undefined): Promise<string> {
  let text = '';
  if (stream !== undefined) await once(stream.on('data', (chunk: Buffer) => (text += chunk.toString())), 'close');
  return text;
}

t.test('it reads and writes, and its words are apart', async (t) => {
  t.same(await tryCommand('sh', ['-c', 'tr a-z A-Z; echo oh >&2; exit 3'], { input: 'héllo' }), { code: 3, stdout: 'HéLLO', stderr: 'oh\n' });
  t.same(await tryCommand('cat', []), { code: 0, stdout: '', stderr: '' }, 'without input there is none to wait for');
  const big = 'x'.repeat(3 << 20);
  t.equal((await tryCommand('cat', [], { input: big })).stdout, big, 'more than a pipe holds');
  t.equal((await tryCommand('true', [], { input: big })).code, 0, 'it need not read its input');
});

t.test('arguments, environment and folder are as they were given', async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `skiff-child-${String(process.pid)}-`)));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const child = startChild('sh', ['-c', 'printf "%s|" "$@" "$A" "$B" "$PWD"; pwd', 'sh', '', 'ü b', '$X'], { streams: ['none', 'output'], cwd: folder, env: { PATH: process.env['PATH'], A: 'ä=1', B: undefined } });
  t.equal(await textOf(child.streams[1]), `|ü b|$X|ä=1||${folder}|${folder}\n`);
  t.throws(() => startChild('echo', ['a\0b'], { streams: [] }), /zero byte/);
});

t.test('numbers of its streams do not get into each other\'s way', async (t) => {
  const child = startChild('sh', ['-c', 'cat <&4 >&3; echo three >&3; echo five >&5'], { streams: ['none', 'none', 'none', 'output', 'input', 'output'] });
  child.streams[4]?.end('four\n');
  t.same(await Promise.all([textOf(child.streams[3]), textOf(child.streams[5]), child.ended]), ['four\nthree\n', 'five\n', { code: 0, signal: 0 }]);
});

t.test('it inherits no other file, no blocked and no ignored signal', async (t) => {
  const file = openSync(import.meta.filename, 'r');
  const child = startChild('ls', ['-l', '/proc/self/fd'], { streams: ['none', 'output', 'output'] });
  const [listed] = await Promise.all([textOf(child.streams[1]), textOf(child.streams[2])]);
  closeSync(file);
  t.match(listed, / 2 -> pipe:/);
  t.notMatch(listed, /child\.test\.ts|eventpoll|socket:/);
  t.match((await tryCommand('grep', ['-E', 'SigBlk|SigIgn', '/proc/self/status'])).stdout, /SigBlk:\s*0+\nSigIgn:\s*0+\n/);
});

t.test('how it ended', async (t) => {
  t.same(await startChild('sh', ['-c', 'exit 200'], { streams: [] }).ended, { code: 200, signal: 0 });
  const killed = startChild('sleep', ['1000'], { streams: [] });
  killed.kill(constants.signals.SIGTERM);
  t.same(await killed.ended, { code: 143, signal: 15 });
  killed.kill(constants.signals.SIGTERM);
  const many = await Promise.all(Array.from({ length: 40 }, (_, index) => startChild('sh', ['-c', `exit ${String(index)}`], { streams: [] }).ended));
  t.same(many.map(({ code }) => code), many.map((_, index) => index), 'each has its own end, also when many end at once');
});

t.test('what cannot be started is told as Node tells it, and leaves no file open', async (t) => {
  const open = (): string[] => readdirSync('/proc/self/fd');
  const before = open();
  t.throws(() => startChild('/no/such/program', [], { streams: ['input', 'output', 'output'] }), { code: 'ENOENT', message: 'spawn /no/such/program ENOENT' });
  t.throws(() => startChild('true', [], { streams: ['input'], cwd: '/no/such/folder' }), { code: 'ENOENT' });
  t.same(open(), before);
  await t.rejects(tryCommand('/etc/passwd', []), { code: 'EACCES' });
});

t.test('detached it has a session of its own, and the group is ended with it', async (t) => {
  const child = startChild('sh', ['-c', 'sleep 1000 & echo $!; wait'], { streams: ['none', 'output'], detached: true });
  const [sleeper] = (await once(child.streams[1] as Socket, 'data')) as [Buffer];
  t.equal(readlinkSync(`/proc/${sleeper.toString().trim()}/cwd`), process.cwd(), 'it runs');
  child.kill(constants.signals.SIGKILL, true);
  await once(child.streams[1] as Socket, 'close'); // nobody holds it any more
  t.same(await child.ended, { code: 137, signal: 9 });
});

t.test('a command that takes too long, or that nobody waits for any more', async (t) => {
  t.equal((await tryCommand('sleep', ['1000'], { timeoutMs: 50 })).code, 137);
  const abort = new AbortController();
  const slow = tryCommand('sleep', ['1000'], { signal: abort.signal });
  abort.abort(new Error('enough'));
  await t.rejects(slow, { message: 'enough' });
  t.equal((await tryCommand('sh', ['-c', 'sleep 1000 & wait'], { signal: AbortSignal.abort(), group: true })).code, 137);
});
