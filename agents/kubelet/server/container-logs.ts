// /containerLogs: a container's log as kubectl asks for it: tailLines, sinceSeconds, sinceTime, timestamps, limitBytes, previous, stream,
// follow (by the file's own changes, not by polling).
import { existsSync, watch } from 'node:fs';
import type { ServerResponse } from 'node:http';
import type { NodeContext } from '../node-context.ts';
import { podLogDirectory } from '../node-context.ts';
import { findContainer } from '../pod-spec.ts';
import type { PodWorker } from '../pod-worker.ts';
import { sandboxesOf } from '../steps/sandbox.ts';
import { openLog, type LogOptions } from '../logs/log-reader.ts';
import { answer } from './server.ts';

export interface LogRequest {
  node: NodeContext;
  worker: PodWorker | undefined;
  pod: string;
  container: string;
  query: URLSearchParams;
}

export async function serveLogs(request: LogRequest, response: ServerResponse): Promise<void> {
  const { node, worker, query } = request;
  if (worker === undefined || findContainer(worker.pod, request.container) === undefined) return answer(response, 404, `pod "${request.pod}" does not exist`);
  const containers = sandboxesOf(node, worker.pod.metadata.uid).flatMap(({ id }) => node.runtime.listContainers(id))
    .filter(({ config }) => config.name === request.container).sort((a, b) => b.config.attempt - a.config.attempt);
  const previous = query.get('previous') === 'true';
  const container = previous ? containers.filter(({ state }) => state === 'exited').find(({ config }) => config.attempt !== containers[0]?.config.attempt || containers[0]?.state === 'exited') : containers[0];
  if (container === undefined) {
    const where = `container "${request.container}" in pod "${request.pod}"`;
    return answer(response, 400, previous ? `previous terminated ${where} not found` : `${where} is waiting to start: ${worker.memory.waiting.get(request.container)?.reason ?? 'ContainerCreating'}`);
  }
  response.writeHead(200, { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' });
  response.flushHeaders();
  const path = `${podLogDirectory(node, worker.pod)}/${container.config.logPath}`;
  const log = openLog(path, optionsOf(query, node.clock.now()));
  const running = (): boolean => node.runtime.status(container.id)?.state === 'running' || node.runtime.status(container.id)?.state === 'created';
  if (query.get('follow') !== 'true' || previous || !running()) return void response.end(log.read());
  await follow({ path, log, running, subscribe: (wake) => node.runtime.subscribe(wake) }, response);
}

export function optionsOf(query: URLSearchParams, now: number): LogOptions {
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

interface Following {
  path: string;
  log: ReturnType<typeof openLog>;
  running(): boolean;
  subscribe(wake: () => void): () => void;
}

function follow({ path, log, running, subscribe }: Following, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const more = (): void => {
      const alive = running();
      const text = existsSync(path) ? log.read() : Buffer.alloc(0);
      if (text.length > 0) response.write(text);
      if (!alive || log.full()) finish();
    };
    const watcher = watch(path, more);
    const unsubscribe = subscribe(more);
    const finish = (): void => {
      watcher.close();
      unsubscribe();
      response.end();
      resolve();
    };
    response.on('close', finish);
    watcher.on('error', finish);
    more();
  });
}
