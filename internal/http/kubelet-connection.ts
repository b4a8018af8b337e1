// A connection to a node's kubelet: over the one that its agent keeps open to this server, or by calling it.
//
//   tunnel ──none, or no answer──► call ──cannot be reached──► tunnel, if it has come meanwhile ──none──► the call's error
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';

/** How kubelets are reached: the API server's client certificate and the CA of their serving certificates, as they are now. */
export interface NodeDialer {
  credentials(): { cert: string; key: string; ca: string };
  /** A connection to the node's kubelet over one that the node keeps open to this server; undefined when it keeps none. */
  tunnel?(nodeName: string): Promise<Duplex> | undefined;
}

export interface KubeletAddress {
  host: string;
  port: number;
  /** Absent: not its kubelet's port, which alone the tunnel leads to. */
  node?: string;
}

/** Behind NAT nothing answers at all: the agent's tunnel is then soon there. */
const CALL_TIMEOUT_MS = 10_000;

export async function connectKubelet({ host, port, node }: KubeletAddress, dialer: NodeDialer): Promise<TLSSocket> {
  const tunnel = (): Promise<Duplex | undefined> => Promise.resolve(node === undefined ? undefined : dialer.tunnel?.(node)).catch(() => undefined); // it died with its node, which may be there again
  const socket = (await tunnel()) ?? (await call(host, port).catch(async (error: unknown) => (await tunnel()) ?? Promise.reject(error)));
  return connectTls({ ...dialer.credentials(), socket, checkServerIdentity: () => undefined });
}

function call(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, timeout: CALL_TIMEOUT_MS });
    socket.once('timeout', () => socket.destroy(new Error(`dial tcp ${host}:${String(port)}: i/o timeout`)));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
