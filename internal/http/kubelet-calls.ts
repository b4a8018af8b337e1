// Plain requests to kubelets for the server's own loops (contract: api/kubelet-calls.ts), on the road that streams take too.
import { request, type IncomingMessage } from 'node:http';
import { callbackify } from 'node:util';
import type { KubeletCall, KubeletCalls } from '../api/kubelet-calls.ts';
import type { Store } from '../store/store.ts';
import { connectKubelet, type NodeDialer } from './kubelet-connection.ts';
import { nodeAddress } from './stream-targets.ts';

const BODY_MAX_BYTES = 32 * 1024 * 1024;
const dialKubelet = callbackify(connectKubelet);

export function createKubeletCalls({ store, dialer }: { store: Store; dialer: NodeDialer }): KubeletCalls {
  return {
    async call(node, call) {
      const { code, text } = await send(nodeAddress(store, node), call, dialer);
      if (code >= 400) throw new Error(text.trim() || `the kubelet of ${node} answered with code ${String(code)}`);
      return text;
    },
  };
}

function send(address: ReturnType<typeof nodeAddress>, { method, path, timeoutMs }: KubeletCall, dialer: NodeDialer): Promise<{ code: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asking = request({
      host: address.host, port: address.port, method, path, signal: AbortSignal.timeout(timeoutMs),
      createConnection(_options, done) {
        dialKubelet(address, dialer, (error, socket) => done(error, socket));
        return undefined;
      },
    });
    asking.once('error', reject);
    asking.once('response', (answer) => void textOf(answer).then((text) => resolve({ code: answer.statusCode ?? 0, text }), reject));
    asking.end();
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > BODY_MAX_BYTES) throw new Error('the answer is too long');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
