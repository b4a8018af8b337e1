// What a process tells of itself, read where its supervisor reads it: a datagram socket, a file.
import { mkdtempSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { dlopen } from 'node:ffi';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { announced, openServiceManager } from '../../../cmd/service-manager.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const { functions: libc } = dlopen(null, {
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  bind: { arguments: ['i32', 'buffer', 'u32'], return: 'i32' },
  recv: { arguments: ['i32', 'buffer', 'u64', 'i32'], return: 'i64' },
  close: { arguments: ['i32'], return: 'i32' },
});
const [AF_UNIX, SOCK_DGRAM, MSG_DONTWAIT] = [1, 2, 0x40];

function directory(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'notify-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** What systemd's side gets: all datagrams since the last call. */
function listen(t: Test, name: string): () => string[] {
  const path = Buffer.from(name.startsWith('@') ? `\0${name.slice(1)}` : `${name}\0`);
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), path]);
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM, 0);
  t.equal(libc.bind(fd, address, address.length), 0);
  t.teardown(() => libc.close(fd));
  return () => {
    const messages: string[] = [];
    for (;;) {
      const message = Buffer.alloc(4096);
      const size = Number(libc.recv(fd, message, BigInt(message.length), MSG_DONTWAIT));
      if (size < 0) return messages;
      messages.push(message.toString('utf8', 0, size));
    }
  };
}

for (const kind of ['a path', 'an abstract name']) {
  t.test(`systemd hears of every step on ${kind}, and the watchdog is fed from readiness on`, async (t) => {
    const name = kind === 'a path' ? join(directory(t), 'notify') : `@skiff-test-${String(process.pid)}`;
    const heard = listen(t, name);
    const clock = createFakeClock();
    const env: Record<string, string | undefined> = { NOTIFY_SOCKET: name, WATCHDOG_USEC: '60000000', WATCHDOG_PID: String(process.pid), PATH: '/bin' };
    const manager = await openServiceManager(env, clock);
    t.strictSame(env, { PATH: '/bin' }, 'what it starts is not told of it');
    await announced([{ name: 'images', start: () => Promise.resolve(), stop: () => Promise.resolve() }], manager)[0]?.start();
    t.strictSame(heard(), ['STATUS=starting images']);
    await clock.advance(90_000);
    t.strictSame(heard(), []);
    manager.ready('Skiff is ready');
    t.strictSame(heard(), ['READY=1\nSTATUS=Skiff is ready', 'WATCHDOG=1']);
    await clock.advance(60_000);
    t.strictSame(heard(), ['WATCHDOG=1', 'WATCHDOG=1']);
    manager.stopping('ending pods', 30_000);
    t.strictSame(heard(), ['STOPPING=1\nSTATUS=ending pods\nEXTEND_TIMEOUT_USEC=30000000']);
  });
}

t.test('a watchdog that is meant for another process is not fed', async (t) => {
  const name = join(directory(t), 'notify');
  const heard = listen(t, name);
  const clock = createFakeClock();
  const manager = await openServiceManager({ NOTIFY_SOCKET: name, WATCHDOG_USEC: '60000000', WATCHDOG_PID: '1' }, clock);
  manager.ready('ready');
  await clock.advance(60_000);
  t.strictSame(heard(), ['READY=1\nSTATUS=ready']);
});

t.test('without systemd a file says it, as long as the process serves', async (t) => {
  const file = join(directory(t), 'run/status');
  const manager = await openServiceManager({ SKIFF_STATUS_FILE: file }, createFakeClock());
  manager.starting('images');
  t.equal(readFileSync(file, 'utf8'), 'starting starting images\n');
  manager.ready('Skiff is ready at https://10.0.0.7:6443');
  t.equal(readFileSync(file, 'utf8'), 'ready Skiff is ready at https://10.0.0.7:6443\n');
  manager.stopping('stopping');
  t.notOk(existsSync(file));
});

t.test('where nobody listens nothing is done', async (t) => {
  const clock = createFakeClock();
  const manager = await openServiceManager({}, clock);
  manager.starting('images');
  manager.ready('ready');
  manager.stopping('stopping');
  t.equal(clock.nextInMs(), undefined);
});
