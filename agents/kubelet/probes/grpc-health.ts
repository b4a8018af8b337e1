// grpc.health.v1.Health/Check over plain HTTP/2: one message each way, so the framing is written out here.
import { connect, constants } from 'node:http2';
import type { Clock } from '../../../internal/base/clock.ts';

/** An answer has a few bytes. */
const ANSWER_MAX_BYTES = 64 << 10;
const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

export interface GrpcTarget {
  host: string;
  port: number;
  service: string;
}

/** '' when it serves, else why not. */
export function checkGrpcHealth({ host, port, service }: GrpcTarget, { timeoutMs, clock }: { timeoutMs: number; clock: Clock }): Promise<string> {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
  return new Promise((resolve) => {
    const session = connect(`http://${authority}`);
    const finish = (problem: string): void => {
      timer.cancel();
      session.destroy();
      resolve(problem);
    };
    const late = `timeout: failed to connect service "${authority}" within ${String(timeoutMs / 1000)}s: context deadline exceeded`;
    const timer = clock.setTimer(timeoutMs, () => finish(late));
    let connected = false;
    session.on('connect', () => { connected = true; });
    // Upstream goes on trying until the time is over; what refuses now is told in the words of that end, as the next probe tries again.
    session.on('error', (error) => finish(connected ? `failed to connect to "${authority}": ${error.message}` : late));
    const stream = session.request({
      ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc', te: 'trailers', 'user-agent': 'kube-probe/1.36', 'grpc-timeout': `${String(timeoutMs)}m`,
    });
    const chunks: Buffer[] = [];
    let status = '';
    stream.on('response', (headers) => { status = String(headers['grpc-status'] ?? ''); });
    stream.on('trailers', (headers) => { status = String(headers['grpc-status'] ?? status); });
    let length = 0;
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= ANSWER_MAX_BYTES) chunks.push(chunk);
      else finish(`health rpc failed: an answer of more than ${String(ANSWER_MAX_BYTES)} bytes`);
    });
    stream.on('error', (error) => { if (connected) finish(error.message); });
    stream.on('end', () => finish(outcome(status, Buffer.concat(chunks))));
    stream.end(encodeRequest(service), () => {});
    stream.on('aborted', () => finish(`stream closed (${String(constants.NGHTTP2_CANCEL)})`));
  });
}

function outcome(status: string, reply: Buffer): string {
  if (status === '12') return 'server does not implement the grpc health protocol (grpc.health.v1.Health)';
  if (status !== '0' && status !== '') return `health rpc failed with grpc status ${status}`;
  const serving = reply.length >= 7 && reply[5] === 0x08 ? reply[6] ?? 0 : 0;
  return serving === 1 ? '' : `service unhealthy (responded with "${STATUSES[serving] ?? 'UNKNOWN'}")`;
}

/** A gRPC frame (flag, length) around HealthCheckRequest { service = 1 }. */
export function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
