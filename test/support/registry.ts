// A real registry for tests: Debian's docker-registry on an address of the machine (or of a lab's namespace), with a folder that goes with it.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.ts';

export interface TestRegistry {
  /** `127.0.0.1:PORT` */
  address: string;
  url: string;
  stop(): Promise<void>;
}

export interface RegistryOptions {
  address?: string;
  port?: number;
  /** Words before the command, e.g. a lab's `enter`. A port must be given then. */
  enter?: readonly string[];
  /** An htpasswd file's text (bcrypt): basic authentication. */
  htpasswd?: string;
}

export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const directory = mkdtempSync(join(tmpdir(), `skiff-registry-${String(process.pid)}-`));
  const host = options.address ?? '127.0.0.1';
  const address = `${host}:${String(options.port ?? (await freePort(host)))}`;
  const htpasswd = join(directory, 'htpasswd');
  if (options.htpasswd !== undefined) writeFileSync(htpasswd, options.htpasswd);
  const auth = options.htpasswd === undefined ? '' : `auth: {htpasswd: {realm: test, path: ${htpasswd}}}\n`;
  writeFileSync(join(directory, 'config.yml'), `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${directory}/data}, delete: {enabled: true}}\nhttp: {addr: "${address}"}\n${auth}`);
  const [program, ...args] = [...(options.enter ?? []), 'docker-registry', 'serve', join(directory, 'config.yml')];
  const child = spawn(program, args, { stdio: 'ignore', env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' } });
  // Also when a test throws before its teardown: else the orphan keeps the test's output open, and its reader waits for ever.
  const onExit = (): void => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', onExit);
  const stop = async (): Promise<void> => {
    process.off('exit', onExit);
    await ended(child);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await answers(child, address, options.enter);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, url: `http://${address}`, stop };
}

async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(child: ChildProcess, address: string, enter: readonly string[] = []): Promise<void> {
  const [program, ...args] = [...enter, 'bash', '-c', `exec 3<>/dev/tcp/${address.replace(':', '/')}`];
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`docker-registry ended with ${String(child.exitCode)}`);
    return (await new Promise((resolve) => spawn(program, args, { stdio: 'ignore' }).on('close', resolve))) === 0;
  }, `docker-registry to answer on ${address}`);
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.on('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
