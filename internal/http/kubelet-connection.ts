// A connection to a node's kubelet: over the one that its agent keeps open to this server, or by calling it.
//
//   tunnel ──none, or no answer──► call ──cannot be reached──► tunnel, if it has come meanwhile ──none──► the call's error
//                                           └── no answer at all: the agent makes its tunnel anew now, and is waited for
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';

/** How kubelets are reached: the API server's client certificate and the CA of their serving certificates, as they are now. */
export interface NodeDialer {
  credentials(): { cert: string; key: string; ca: string };
  /** A connection to the node's kubelet over one that the node keeps open to this server; undefined when it keeps none. */
  tunnel?(nodeName: string): Promise<Duplex> | undefined;
  /** Resolves when the node keeps one, or the time is over. */
  tunnelAwaited?(nodeName: string, patienceMs: number): Promise<void>;
}

export interface KubeletAddress {
  host: string;
  port: number;
  /** Absent: not its kubelet's port, which alone the tunnel leads to. */
  node?: string;
}

/** Behind NAT nothing answers at all: the agent's tunnel is then soon there. */
const CALL_TIMEOUT_MS = 10_000;
/** After a call without any answer. Longer than an agent takes to ask again (tunnel/agent.ts). */
const TUNNEL_PATIENCE_MS = 15_000;

class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}

export async function connectKubelet({ host, port, node }: KubeletAddress, dialer: NodeDialer): Promise<TLSSocket> {
  const tunnel = (): Promise<Duplex | undefined> => Promise.resolve(node === undefined ? undefined : dialer.tunnel?.(node)).catch(() => undefined); // it died with its node, which may be there again
  const instead = async (error: unknown): Promise<Duplex> => {
    if (error instanceof NoAnswerError && node !== undefined) await dialer.tunnelAwaited?.(node, TUNNEL_PATIENCE_MS);
    return (await tunnel()) ?? Promise.reject(error as Error);
  };
  const socket = (await tunnel()) ?? (await call(host, port).catch(instead));
  return connectTls({ ...dialer.credentials(), socket, checkServerIdentity: () => undefined });
}

function call(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, timeout: CALL_TIMEOUT_MS });
    socket.once('timeout', () => socket.destroy(new NoAnswerError(`dial tcp ${host}:${String(port)}: i/o timeout`)));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
