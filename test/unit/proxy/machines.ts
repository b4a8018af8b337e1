// Machines made of network namespaces that live as long as their process: nothing is named on this machine, nothing is left behind.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { command } from '../../../internal/base/command.ts';

export interface Machine {
  pid: number;
  run(name: string, ...args: string[]): Promise<string>;
  /** Starts a server that answers every TCP connection and UDP packet with `name client-address`. */
  serve(name: string, port: number): Promise<void>;
  /** Asks so many times from one place; gives the answers, or error codes. */
  ask(kind: 'tcp' | 'udp', address: string, port: number, times: number): Promise<string[]>;
  stop(): Promise<void>;
}

/** Runs this very test program in a network namespace of its own: iptables then sees only what the test made. true in the child. */
export async function inOwnNetwork(script: string): Promise<boolean> {
  if (process.env['SKIFF_TEST_OWN_NETWORK'] === '1') return true;
  const child = spawn('unshare', ['--net', process.execPath, script], { stdio: 'inherit', env: { ...process.env, SKIFF_TEST_OWN_NETWORK: '1' } });
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
  return false;
}

export async function createMachine(): Promise<Machine> {
  const children: ChildProcess[] = [];
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(holder);
  await once(holder.stdout, 'data');
  const pid = holder.pid ?? 0;
  const inside = ['--net', '-t', String(pid), '--'];
  await command('nsenter', [...inside, 'ip', 'link', 'set', 'lo', 'up']);
  return {
    pid,
    run: (name, ...args) => command('nsenter', [...inside, name, ...args]),
    async serve(name, port) {
      const server = spawn('nsenter', [...inside, process.execPath, '-e', SERVER, name, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
      children.push(server);
      await once(server.stdout, 'data');
    },
    async ask(kind, address, port, times) {
      return JSON.parse(await command('nsenter', [...inside, process.execPath, '-e', CLIENT, kind, address, String(port), String(times)])) as string[];
    },
    async stop() {
      await Promise.all(children.splice(0).reverse().map(async (child) => {
        const gone = child.exitCode === null ? once(child, 'exit') : undefined;
        child.kill('SIGKILL');
        await gone;
      }));
    },
  };
}

const SERVER = `
const [name, port] = process.argv.slice(1);
const udp = require('dgram').createSocket('udp4', (_data, from) => udp.send(name + ' ' + from.address, from.port, from.address));
const tcp = require('net').createServer((socket) => { socket.on('error', () => {}); socket.write(name + ' ' + socket.remoteAddress.replace('::ffff:', '') + '\\n'); socket.on('data', (data) => socket.write(data)); });
tcp.listen(Number(port), '0.0.0.0', () => udp.bind(Number(port), () => console.log('ready')));
process.stdin.on('end', () => process.exit()).resume();
`;

export const CLIENT = `
const [kind, address, port, times] = process.argv.slice(1);
const tcp = () => new Promise((resolve) => {
  const socket = require('net').connect({ host: address, port: Number(port), timeout: 5000 });
  socket.once('data', (data) => { socket.destroy(); resolve(String(data).trim()); });
  socket.once('error', (error) => resolve(error.code));
  socket.once('timeout', () => { socket.destroy(); resolve('TIMEOUT'); });
});
const udp = () => new Promise((resolve) => {
  const socket = require('dgram').createSocket('udp4');
  const late = setTimeout(() => { socket.close(); resolve('TIMEOUT'); }, 5000);
  socket.once('message', (data) => { clearTimeout(late); socket.close(); resolve(String(data)); });
  socket.once('error', (error) => { clearTimeout(late); socket.close(); resolve(error.code); });
  socket.connect(Number(port), address, () => socket.send('x', (error) => error && (clearTimeout(late), socket.close(), resolve(error.code))));
});
(async () => { const answers = []; for (let i = 0; i < Number(times); i++) answers.push(await (kind === 'tcp' ? tcp() : udp())); console.log(JSON.stringify(answers)); })();
`;
