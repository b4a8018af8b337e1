// A watch's lines: each event once and in order, whoever else is told of the same, and what was shown before an error comes before it.
import { EventEmitter } from 'node:events';
import t from 'tap';
import { systemClock } from '../../../internal/base/clock.ts';
import { becomeQuiet } from '../../../internal/base/quiet.ts';
import { StatusError } from '../../../internal/base/errors.ts';
import { freeze, type KubeObject } from '../../../internal/api/meta.ts';
import type { WatchEvent } from '../../../internal/api/request.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import { eventFrames } from '../../../internal/http/event-frames.ts';
import { createEventLines, JSON_LINES } from '../../../internal/http/event-lines.ts';
import type { HttpResponse } from '../../../internal/http/respond.ts';
import { createFanOut } from '../../../internal/http/fan-out.ts';
import { streamWatch } from '../../../internal/http/watch-stream.ts';
import { createWatchBuffer } from '../../../internal/watch/buffer.ts';
import { settle } from '../../support/fake-clock.ts';

const object = (name: string, text = 'ü'): KubeObject => freeze({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' }, data: { text } } as KubeObject);
const event = (type: WatchEvent['type'], shown: KubeObject): WatchEvent => ({ type, object: shown });
const linesOf = (events: readonly WatchEvent[]): string => events.map(({ type, object: shown }) => `${JSON.stringify({ type, object: shown })}\n`).join('');

t.test('what is taken is what was added since, alike or not', async (t) => {
  const [a, b] = [object('a'), object('b')];
  const [one, other] = [createEventLines(), createEventLines()];
  const sequences: WatchEvent[][] = [[event('ADDED', a), event('MODIFIED', b)], [event('ADDED', a), event('DELETED', b)], [event('ADDED', a)], [event('MODIFIED', b), event('ADDED', a)], [event('ERROR', a)]];
  for (const events of sequences) {
    for (const lines of [one, other, one]) {
      for (const { type, object: shown } of events) lines.add(type, shown);
      t.equal(lines.take().toString(), linesOf(events));
    }
    becomeQuiet();
  }
  t.equal(one.take().length, 0);
});

const fanOut = createFanOut(systemClock);

/** Takes a write at a time: the next when it is told to. */
function slowResponse(): { response: HttpResponse; writes: string[]; drain(): void } {
  const writes: string[] = [];
  const response = Object.assign(new EventEmitter(), {
    statusCode: 0, writableEnded: false, setHeader() {}, flushHeaders() {},
    write: (bytes: Buffer) => writes.push(bytes.toString()) < 0,
    end() {
      response.writableEnded = true;
    },
  });
  return { response: response as unknown as HttpResponse, writes, drain: () => void response.emit('drain') };
}

t.test('events that come together are one write; those that come while the client reads are the next, up to a bound', async (t) => {
  const { response, writes, drain } = slowResponse();
  const events = createWatchBuffer<WatchEvent>();
  const first = ['a', 'b', 'c'].map((name) => event('ADDED', object(name)));
  for (const one of first) events.push(one);
  const streaming = streamWatch(response, { events, signal: new AbortController().signal, form: JSON_LINES, fanOut, show: (shown) => shown });
  await settle();
  t.same(writes, [linesOf(first)]);
  const large = Array.from({ length: 5 }, (_, index) => event('MODIFIED', object(`l${String(index)}`, 'x'.repeat(40_000))));
  for (const one of large) events.push(one);
  events.end();
  for (let round = 0; round < 4; round++) {
    drain();
    await settle();
  }
  await streaming;
  t.same(writes.slice(1), [linesOf(large.slice(0, 2)), linesOf(large.slice(2, 4)), linesOf(large.slice(4))]);
});

t.test('what cannot be shown ends the watch after what could', async (t) => {
  const { response, writes } = slowResponse();
  const events = createWatchBuffer<WatchEvent>();
  const [a, b] = [event('ADDED', object('a')), event('ADDED', object('b'))];
  events.push(a);
  events.push(b);
  const show = (shown: KubeObject): KubeObject => {
    if (shown === b.object) throw new StatusError('BadRequest', 'no such form');
    return shown;
  };
  await streamWatch(response, { events, signal: new AbortController().signal, form: JSON_LINES, fanOut, show });
  const [before, error] = (writes[0] ?? '').split('\n');
  t.equal(`${before ?? ''}\n`, linesOf([a]));
  t.match(JSON.parse(error ?? ''), { type: 'ERROR', object: { kind: 'Status', reason: 'BadRequest', message: 'no such form' } });
});

t.test('the same events in protobuf are frames, each behind its length, and never the lines of another watch', (t) => {
  const events = [event('ADDED', object('a')), event('MODIFIED', object('b', 'x'.repeat(300)))];
  const [lines, frames] = [createEventLines(), createEventLines({ form: eventFrames(loadSchemas()) })];
  for (const writer of [lines, frames]) for (const { type, object: shown } of events) writer.add(type, shown);
  t.equal(lines.take().toString(), linesOf(events));
  const bytes = frames.take();
  const first = bytes.readUInt32BE(0);
  const second = bytes.readUInt32BE(4 + first);
  t.equal(bytes.length, 4 + first + 4 + second);
  t.equal(bytes.subarray(4, 11).toString('latin1'), '\n\u0005ADDED');
  t.match(bytes.subarray(11, 4 + first).toString('latin1'), /k8s\0/);
  t.end();
});
