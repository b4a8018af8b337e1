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
import { readLogQuery } from './log-query.ts';
import type { Problem } from './places.ts';
import { answer, refuse } from './answers.ts';
import type { Connection } from './connection.ts';
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
  if ('code' in found) return answer(response, found);
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

export async function serveLogsOverWebSocket(request: LogRequest, stream: Connection): Promise<void> {
  const found = findLog(request);
  if ('code' in found) return refuse(stream.socket, found);
  const { webSocket, protocol } = await upgradeToWebSocket(stream, PROTOCOLS);
  const base64 = protocol.startsWith('base64');
  webSocket.on('error', () => webSocket.terminate());
  const write = (bytes: Buffer): Promise<void> => new Promise((resolve) => webSocket.send(base64 ? bytes.toString('base64') : bytes, { binary: !base64 }, () => resolve()));
  await write(Buffer.alloc(0)); // tells the client that the stream stands
  await send(found, { write, end: () => webSocket.close(1000), onClose: (listener) => void webSocket.on('close', listener) });
}

function findLog({ node, worker, pod, container: name, query }: LogRequest): FoundLog | Problem {
  const asked = readLogQuery(query, node.clock.now());
  if ('code' in asked) return asked;
  if (worker === undefined) return { code: 404, text: `pod ${JSON.stringify(pod)} does not exist` };
  if (findContainer(worker.pod, name) === undefined) return { code: 404, text: `container ${JSON.stringify(name)} not found in pod ${JSON.stringify(pod)}` };
  const containers = sandboxesOf(node, worker.pod.metadata.uid).flatMap(({ id }) => node.runtime.listContainers(id))
    .filter(({ config }) => config.name === name).sort((a, b) => b.config.attempt - a.config.attempt);
  const container = asked.previous ? containers.find(({ id }) => id === lastEnded(worker, name)) : containers[0];
  if (container === undefined) {
    const where = `container "${name}" in pod "${pod}"`;
    return { code: 400, text: asked.previous ? `previous terminated ${where} not found` : `${where} is waiting to start: ${waitsFor(statusIn(worker, name)?.state?.waiting?.reason ?? 'ContainerCreating')}` };
  }
  return {
    path: `${podLogDirectory(node, worker.pod)}/${container.config.logPath}`, options: asked.options, follow: asked.follow && !asked.previous, clock: node.clock,
    running: () => ['running', 'created'].includes(node.runtime.status(container.id)?.state ?? ''),
    subscribe: (wake) => node.runtime.subscribe(wake),
  };
}

/** The life before the one that its status tells of: while it waits to be started again, the one that has just ended. */
function lastEnded(worker: PodWorker, name: string): string | undefined {
  return statusIn(worker, name)?.lastState?.terminated?.containerID?.replace(/^.*:\/\//, '');
}

function statusIn({ memory: { status } }: PodWorker, name: string) {
  return [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? []), ...(status.ephemeralContainerStatuses ?? [])].find((one) => one.name === name);
}

function waitsFor(reason: string): string {
  return reason === 'ErrImagePull' ? 'image can\'t be pulled' : reason === 'ImagePullBackOff' ? 'trying and failing to pull image' : reason;
}

async function send(found: FoundLog, sink: LogSink): Promise<void> {
  const follows = found.follow && found.running();
  const log = openLog(found.path, { ...found.options, untilNow: !follows });
  try {
    if (follows) return await follow(found, log, sink);
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
