// What goes over systemd's socket: values as the specification lays them out, and a manager that answers as systemd does.
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { decodeMessage, encodeCall } from '../../../agents/systemd/dbus-message.ts';
import { marshal, unmarshal, type Value } from '../../../agents/systemd/dbus-values.ts';
import { SystemdError, withSystemd } from '../../../agents/systemd/systemd-manager.ts';
import { systemClock } from '../../../internal/base/clock.ts';

const bytesOf = (signature: string, ...values: Value[]): number[] => {
  const bytes: number[] = [];
  marshal(bytes, signature, values);
  return bytes;
};

t.test('values lie as the specification says', (t) => {
  t.same(bytesOf('yu', 1, 2), [1, 0, 0, 0, 2, 0, 0, 0]);
  t.same(bytesOf('s', 'ab'), [2, 0, 0, 0, 97, 98, 0]);
  t.same(bytesOf('b', true), [1, 0, 0, 0]);
  t.same(bytesOf('at', [1n]), [8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], 'the padding before the first element is not in the length');
  t.same(bytesOf('at', []), [0, 0, 0, 0, 0, 0, 0, 0]);
  t.same(bytesOf('v', { signature: 'u', value: 7 }), [1, 117, 0, 0, 7, 0, 0, 0]);
  t.same(bytesOf('y(yt)', 1, [2, 3n]), [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
  t.end();
});

t.test('what is written is read again', (t) => {
  const signature = 'ssa(sv)a(sa(sv))';
  const values: Value[] = ['a.slice', 'replace', [['Wants', { signature: 'as', value: ['-.slice', 'é'] }], ['MemoryMax', { signature: 't', value: 0xffff_ffff_ffff_ffffn }], ['Delegate', { signature: 'b', value: true }], ['PIDs', { signature: 'au', value: [1, 2] }]], []];
  t.same(unmarshal(Buffer.from(bytesOf(signature, ...values)), signature), values);
  const call = encodeCall({ serial: 9, path: '/a', interface: 'b.C', member: 'D', destination: 'e.F', signature, values });
  t.equal(decodeMessage(call.subarray(0, call.length - 1)), undefined, 'not before it is whole');
  const decoded = decodeMessage(Buffer.concat([call, Buffer.from('more')]));
  t.match(decoded, { length: call.length, message: { type: 'call', member: 'D' } });
  t.same(decoded?.message.values(), values);
  t.throws(() => bytesOf('x', 1), /no D-Bus value of type "x"/);
  t.end();
});

interface Asked {
  member: string;
  values: Value[];
}

/** A manager of units: `answer` says what each call gives. */
async function manager(t: Test, answer: (asked: Asked, serial: number) => Buffer[]): Promise<{ path: string; asked: Asked[]; allClosed: () => Promise<unknown> }> {
  const folder = mkdtempSync(join(tmpdir(), `skiff-systemd-${String(process.pid)}-`));
  const path = join(folder, 'private');
  const asked: Asked[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    let [kept, greeted] = [Buffer.alloc(0), false];
    socket.on('data', (chunk: Buffer) => {
      kept = Buffer.concat([kept, chunk]);
      if (!greeted) {
        const end = kept.indexOf('BEGIN\r\n');
        if (end < 0) return;
        t.match(kept.toString('latin1', 0, end), /^\0AUTH EXTERNAL 30\r\n$/);
        [kept, greeted] = [kept.subarray(end + 7), true];
        socket.write('OK 0123456789abcdef0123456789abcdef\r\n');
      }
      for (let next = decodeMessage(kept); next !== undefined; next = decodeMessage(kept)) {
        const one = { member: next.message.member, values: next.message.values() };
        asked.push(one);
        const serial = kept.readUInt32LE(8);
        kept = kept.subarray(next.length);
        for (const part of answer(one, serial)) socket.write(part);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });
  return { path, asked, allClosed: () => Promise.all([...sockets].map((socket) => once(socket, 'close'))) };
}

/** As systemd sends it: a return (2), an error (3) or a signal (4). */
function message(type: 2 | 3 | 4, fields: [number, string, Value][], signature: string, values: Value[]): Buffer {
  const body = bytesOf(signature, ...values);
  const head = bytesOf('yyyyuua(yv)', 'l'.charCodeAt(0), type, 1, 1, body.length, 1, [...fields, [8, 'g', signature] as const].map(([code, kind, value]) => [code, { signature: kind, value }]));
  while (head.length % 8 !== 0) head.push(0);
  return Buffer.from([...head, ...body]);
}

const reply = (serial: number, signature: string, values: Value[]): Buffer => message(2, [[5, 'u', serial]], signature, values);
const refusal = (serial: number, name: string, text: string): Buffer => message(3, [[5, 'u', serial], [4, 's', name]], 's', [text]);
/** Of a type that nobody here reads. */
const other = (): Buffer => {
  const signal = message(4, [[3, 's', 'PropertiesChanged']], 'as', [[]]);
  const at = signal.indexOf('as\0');
  return Buffer.concat([signal.subarray(0, at), Buffer.from('ah'), signal.subarray(at + 2)]);
};
const removed = (job: string, result: string): Buffer => message(4, [[3, 's', 'JobRemoved']], 'uoss', [1, job, 'a.slice', result]);

t.test('a unit is there when its job is done, however early that is told', async (t) => {
  const { path, asked, allClosed } = await manager(t, ({ member }, serial) => (member === 'StartTransientUnit' ? [other(), removed('/job/1', 'done'), reply(serial, 'o', ['/job/1'])] : [reply(serial, 'o', ['/job/2']), removed('/job/2', 'done')]));
  await withSystemd(systemClock, async (systemd) => {
    await systemd.startTransientUnit('a.slice', [['CPUWeight', { signature: 't', value: 5n }]]);
    await systemd.stopUnit('a.slice');
  }, path);
  t.same(asked.map(({ member }) => member), ['StartTransientUnit', 'StopUnit', 'ResetFailedUnit']);
  t.same(asked[0]?.values, ['a.slice', 'replace', [['CPUWeight', { signature: 't', value: 5n }]], []]);
  await allClosed();
});

t.test('refusals by their reason; a job that fails is an error; what is not there is stopped', async (t) => {
  const { path } = await manager(t, ({ member }, serial) => {
    if (member === 'SetUnitProperties') return [refusal(serial, 'org.freedesktop.systemd1.UnitExists', 'Unit a.slice exists.')];
    if (member === 'StartTransientUnit') return [reply(serial, 'o', ['/job/1']), removed('/job/1', 'failed')];
    return [refusal(serial, 'org.freedesktop.systemd1.NoSuchUnit', 'Unit a.slice not loaded.')];
  });
  await withSystemd(systemClock, async (systemd) => {
    const refused = await systemd.setUnitProperties('a.slice', []).catch((error: unknown) => error);
    t.ok(refused instanceof SystemdError && refused.reason === 'UnitExists' && refused.message === 'Unit a.slice exists.');
    await t.rejects(systemd.startTransientUnit('a.slice', []), /unit a\.slice cannot be started: the job ended as "failed"/);
    await systemd.stopUnit('a.slice');
  }, path);
  await t.rejects(withSystemd(systemClock, () => Promise.resolve(), join(path, 'none')), /systemd cannot be reached/);
});

t.test('a manager that goes away fails what waits', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), `skiff-systemd-${String(process.pid)}-`));
  const path = join(folder, 'private');
  const server = createServer((socket) => void socket.once('data', () => socket.destroy()).on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await t.rejects(withSystemd(systemClock, (systemd) => systemd.stopUnit('a.slice'), path), /closed the connection|ECONNRESET|EPIPE/);
});
