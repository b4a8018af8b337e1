// One row put to a kubelet, and its answer made comparable.
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Server } from '../parity/exchange.ts';
import type { Answer, Row } from './row.ts';
import { metricsShape, shapeOf } from './shapes.ts';
import type { Stage } from './stage.ts';
import { talk } from './talk.ts';

/** `url`: of the kubelet. */
export interface Run {
  server: Server;
  stage: Stage;
}

const HEADERS = ['content-type', 'location', 'allow', 'upgrade', 'sec-websocket-protocol', 'x-stream-protocol-version'];
const WITHIN_MS = 20_000;

export async function ask(run: Run, row: Row): Promise<Answer> {
  const { status, headers, text } = await raw(run, row);
  const kept = Object.fromEntries(HEADERS.flatMap((name) => (headers[name] === undefined ? [] : [[name, cleaned(run, String(headers[name]))]])));
  return { status, headers: kept, body: bodyOf(run, row, { status, text }) };
}

async function raw(run: Run, row: Row): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string | object }> {
  const path = filled(run, row.path);
  const headers = { ...row.headers, ...authorization(run, row) };
  const tls = { rejectUnauthorized: false, ...(row.as === undefined || row.as === 'admin' ? { cert: run.server.cert, key: run.server.key } : {}) };
  if (row.talk !== undefined) return talk({ url: new URL(path, run.server.url.replace('https:', 'wss:')), headers, tls, talk: row.talk, withinMs: WITHIN_MS });
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(new URL(run.server.url), { method: row.method, path, headers: { ...headers, ...(row.body !== undefined && { 'content-length': String(Buffer.byteLength(row.body)) }) }, agent: false, timeout: WITHIN_MS, ...tls });
    const done = (response: IncomingMessage, text: string): void => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      outgoing.destroy();
    };
    outgoing.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (row.upTo !== undefined && text.includes(row.upTo)) done(response, text);
      });
      response.on('end', () => done(response, text)).on('error', reject);
    });
    outgoing.on('upgrade', (response) => done(response, ''));
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${row.name}: no answer within ${String(WITHIN_MS / 1000)} s`)));
    outgoing.on('error', reject);
    outgoing.end(row.body);
  });
}

function authorization({ stage }: Run, { as = 'admin' }: Row): Record<string, string> {
  const token = as === 'bad-token' ? 'nonsense' : stage.tokens.get(as);
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function bodyOf(run: Run, row: Row, { status, text }: { status: number; text: string | object }): unknown {
  if (typeof text === 'object') return JSON.parse(cleaned(run, JSON.stringify(text))) as unknown;
  if (row.part === 'refusal' && status < 400) return 'served';
  if (status < 300 && row.part === 'shape') return shapeOf(JSON.parse(cleaned(run, text)));
  if (status < 300 && row.part === 'metrics') return metricsShape(text);
  return cleaned(run, text);
}

function filled({ stage }: Run, text: string): string {
  return text.replaceAll('{ns}', stage.namespace).replaceAll('{uid}', stage.uid);
}

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)/g;
const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

function cleaned({ stage }: Run, text: string): string {
  return text.replaceAll(stage.namespace, 'parity').replace(TIME, 'TIME').replace(/[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT/g, 'DATE').replace(/ETag: \\?"[^"\\]*\\?"/g, 'ETag: ETAG').replace(UID, 'UID').replace(/\b[0-9a-f]{64}\b/g, 'ID').replace(/\bkube-api-access-[a-z0-9]{5}\b/g, 'kube-api-access-RANDOM');
}
