// /containerLogs: a container's log as kubectl asks for it: tailLines, sinceSeconds, sinceTime, timestamps, limitBytes, previous, stream,
// follow (by the file's own changes, not by polling). Sent as an HTTP body, or over a WebSocket as messages of plain bytes
// (binary.k8s.io, or no protocol) or of base64 (base64.binary.k8s.io).
import { watch } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { delay, type Clock } from '../../../internal/base/clock.ts';
import type { NodeContext } from '../node-context.ts';
import { podLogDirectory } from '../node-context.ts';
import { findContainer } from '../pod-spec.ts';
import type { PodWorker } from '../pod-worker.ts';
import { sandboxesOf } from '../steps/sandbox.ts';
import { openLog, type LogOptions, type LogReader } from '../logs/log-reader.ts';
import { answer } from './server.ts';
import { refuse, type StreamRequest } from './streams.ts';
import { upgradeToWebSocket } from './websocket.ts';

export interface LogRequest {
  node: NodeContext;
  worker: PodWorker | undefined;
  pod: string;
  container: string;
  query: URLSearchParams;
}

interface LogSink {
  /** Resolves when more may come. */
  write(bytes: Buffer): Promise<void>;
  end(): void;
  onClose(listener: () => void): void;
}

interface FoundLog {
  path: string;
  options: LogOptions;
  follow: boolean;
  clock: Clock;
  running(): boolean;
  subscribe(wake: () => void): () => void;
}

export async function serveLogs(request: LogRequest, response: ServerResponse): Promise<void> {
  const found = findLog(request);
  if ('code' in found) return answer(response, found.code, found.text);
  response.writeHead(200, { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' });
  response.flushHeaders();
  await send(found, { write: (bytes) => taken(response, bytes), end: () => void response.end(), onClose: (listener) => void response.on('close', listener) });
}

/** A client that does not read is waited for: what it does not take stays on disk. */
function taken(response: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed || response.write(bytes)) return resolve();
    response.once('drain', resolve).once('close', resolve);
  });
}

const PROTOCOLS = ['binary.k8s.io', 'base64.binary.k8s.io'];

export async function serveLogsOverWebSocket(request: LogRequest, stream: StreamRequest): Promise<void> {
  const found = findLog(request);
  if ('code' in found) return refuse(stream.socket, found.code, found.text);
  const { webSocket, protocol } = await upgradeToWebSocket(stream, PROTOCOLS);
  const base64 = protocol.startsWith('base64');
  webSocket.on('error', () => webSocket.terminate());
  const write = (bytes: Buffer): Promise<void> => new Promise((resolve) => webSocket.send(base64 ? bytes.toString('base64') : bytes, { binary: !base64 }, () => resolve()));
  await write(Buffer.alloc(0)); // tells the client that the stream stands
  await send(found, { write, end: () => webSocket.close(1000), onClose: (listener) => void webSocket.on('close', listener) });
}

function findLog({ node, worker, pod, container: name, query }: LogRequest): FoundLog | { code: number; text: string } {
  const fault = faultOf(query);
  if (fault !== undefined) return fault;
  if (worker === undefined) return { code: 404, text: `pod ${JSON.stringify(pod)} does not exist\n` };
  if (findContainer(worker.pod, name) === undefined) return { code: 404, text: `container ${JSON.stringify(name)} not found in pod ${JSON.stringify(pod)}\n` };
  const containers = sandboxesOf(node, worker.pod.metadata.uid).flatMap(({ id }) => node.runtime.listContainers(id))
    .filter(({ config }) => config.name === name).sort((a, b) => b.config.attempt - a.config.attempt);
  const previous = query.get('previous') === 'true';
  const container = previous ? containers.filter(({ state }) => state === 'exited').find(({ config }) => config.attempt !== containers[0]?.config.attempt || containers[0]?.state === 'exited') : containers[0];
  if (container === undefined) {
    const where = `container "${name}" in pod "${pod}"`;
    return { code: 400, text: previous ? `previous terminated ${where} not found` : `${where} is waiting to start: ${worker.memory.waiting.get(name)?.reason ?? 'ContainerCreating'}` };
  }
  return {
    path: `${podLogDirectory(node, worker.pod)}/${container.config.logPath}`, options: optionsOf(query, node.clock.now()), follow: query.get('follow') === 'true' && !previous, clock: node.clock,
    running: () => ['running', 'created'].includes(node.runtime.status(container.id)?.state ?? ''),
    subscribe: (wake) => node.runtime.subscribe(wake),
  };
}

/** What cannot be read, and what makes no sense, in upstream's few words. */
function faultOf(query: URLSearchParams): { code: number; text: string } | undefined {
  const given = (name: string): string => query.get(name) ?? '';
  const [tailLines, limitBytes, sinceSeconds] = ['tailLines', 'limitBytes', 'sinceSeconds'].map(given);
  const isRead = [tailLines, limitBytes, sinceSeconds].every((text = '') => text === '' || /^[+-]?\d+$/.test(text)) && (given('sinceTime') === '' || !Number.isNaN(Date.parse(given('sinceTime'))));
  if (!isRead) return { code: 400, text: '{"message": "Unable to decode query."}' };
  const senseless = Number(tailLines) < 0 || (limitBytes !== '' && Number(limitBytes) < 1) || (sinceSeconds !== '' && (Number(sinceSeconds) < 1 || given('sinceTime') !== '')) || !['', 'All', 'Stdout', 'Stderr'].includes(given('stream'));
  return senseless ? { code: 422, text: '{"message": "Invalid request."}' } : undefined;
}

function optionsOf(query: URLSearchParams, now: number): LogOptions {
  const number = (name: string): number | undefined => (query.get(name) === null || query.get(name) === '' ? undefined : Number(query.get(name)));
  const seconds = number('sinceSeconds');
  const since = query.get('sinceTime');
  const stream = query.get('stream');
  const [tailLines, limitBytes] = [number('tailLines'), number('limitBytes')];
  return {
    timestamps: query.get('timestamps') === 'true',
    ...(tailLines !== undefined && { tailLines }), ...(limitBytes !== undefined && { limitBytes }),
    ...(seconds !== undefined ? { sinceMs: now - seconds * 1000 } : since !== null && since !== '' ? { sinceMs: Date.parse(since) } : {}),
    ...((stream === 'Stdout' || stream === 'Stderr') && { stream: stream === 'Stdout' ? 'stdout' as const : 'stderr' as const }),
  };
}

async function send(found: FoundLog, sink: LogSink): Promise<void> {
  const log = openLog(found.path, found.options);
  try {
    if (found.follow && found.running()) return await follow(found, log, sink);
    const gone = new AbortController();
    sink.onClose(() => gone.abort());
    await pour(log, sink, { gone: gone.signal, clock: found.clock });
    sink.end();
  } finally {
    log.close();
  }
}

/** All that has come. Others have their turn between the pieces. */
async function pour(log: LogReader, sink: LogSink, { gone, clock }: { gone: AbortSignal; clock: Clock }): Promise<void> {
  for (let bytes = log.read(); bytes !== undefined && !gone.aborted; bytes = log.read()) {
    if (bytes.length > 0) await sink.write(bytes);
    await delay(clock, 0);
  }
}

/** The folder is watched rather than the file, which is another one after a rotation. */
async function follow({ path, clock, running, subscribe }: FoundLog, log: LogReader, sink: LogSink): Promise<void> {
  const gone = new AbortController();
  const ends = (): void => gone.abort();
  let news = Promise.withResolvers<void>();
  const wake = (): void => news.resolve();
  const watcher = watch(dirname(path), { persistent: false }, wake).on('error', ends);
  const unsubscribe = subscribe(wake);
  gone.signal.addEventListener('abort', wake);
  sink.onClose(ends);
  try {
    for (let alive = true; alive && !gone.signal.aborted && !log.full(); ) {
      news = Promise.withResolvers<void>();
      alive = running();
      await pour(log, sink, { gone: gone.signal, clock });
      if (alive && !log.full()) await news.promise;
    }
  } finally {
    watcher.close();
    unsubscribe();
    sink.end();
  }
}
