// The server that an agent is to join: whether anybody answers there. One that is away is ridden out, so it is no failure.
import { connect } from 'node:net';
import { ok, warning, type Check } from './check.ts';

const TIMEOUT_MS = 3_000;

export const serverReachable: Check = {
  name: 'server',
  async look({ settings: { server } }) {
    if (server === undefined) return [];
    const { hostname, port } = new URL(server);
    const problem = await tryToConnect(hostname.replace(/^\[|\]$/g, ''), Number(port || 443));
    return [problem === undefined ? ok(server) : warning(`nobody answers at ${server} (${problem})`, 'check the address, that the server runs, and that its firewall lets this machine in')];
  },
};

function tryToConnect(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: TIMEOUT_MS });
    const end = (problem?: string): void => {
      socket.destroy();
      resolve(problem);
    };
    socket.once('connect', () => end()).once('timeout', () => end('timed out')).once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}
