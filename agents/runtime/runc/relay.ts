// The hidden verb `relay PORT`: run inside a pod's network namespace, joins its own stdin and stdout to a port of the loopback there.
import { connect as connectTcp } from 'node:net';

/** Resolves with the exit code: 0 when either side has closed, 1 when nobody listens (said on stderr). */
export function runRelay(port: number): Promise<number> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.once('connect', () => {
      process.stdout.write('\n'); // the caller waits for this line
      process.stdin.pipe(socket);
      socket.pipe(process.stdout);
    });
    socket.once('error', (error) => {
      process.stderr.write(`${error.message}\n`);
      resolve(1);
    });
    socket.once('close', () => resolve(0));
  });
}
