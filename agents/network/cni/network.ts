// Skiff's own pod network for a container runtime that knows only CNI: a configuration and a plugin are put where the runtime looks for them, and
// the plugin (this executable again, as `skiff cni`) passes each call on to the node, which answers from its PodNetwork.
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { command } from '../../../internal/base/command.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { makeDirectory, readFileIfThere } from '../../../internal/base/files.ts';
import type { Ledger } from '../../../internal/base/ledger.ts';
import type { PodNetwork } from '../pod-network.ts';
import { CNI_VERSION, cniError, type CniAnswer, type CniCall } from './protocol.ts';

const FAILED = 100;
const CALL_MAX_BYTES = 1 << 20;
/** Runtimes take the first by name. */
const CONFIGURATION = '00-skiff.conflist';

export interface CniNetworkOptions {
  network: PodNetwork;
  socketPath: string;
  /** Words that run this program; the plugin adds `cni --socket PATH`. */
  program: readonly string[];
  ledger: Ledger;
}

export interface CniNetwork {
  /** Where the runtime looks for configurations and plugins (undefined: what lies there stays as it is); the sandboxes that stand. */
  start(places: { confDir: string; binDir: string } | undefined, sandboxes: ReadonlySet<string>): Promise<void>;
  stop(): Promise<void>;
}

export function createCniNetwork({ network, socketPath, program, ledger }: CniNetworkOptions): CniNetwork {
  let server: Server | undefined;
  return {
    async start(places, sandboxes) {
      await network.start(sandboxes);
      makeDirectory(dirname(socketPath));
      rmSync(socketPath, { force: true });
      server = createServer({ allowHalfOpen: true }, (socket) => void serve(socket, network));
      await new Promise<void>((resolve, reject) => server?.once('error', reject).listen(socketPath, resolve));
      chmodSync(socketPath, 0o600);
      if (places === undefined) return;
      const { confDir, binDir } = places;
      const script = `#!/bin/sh\nexec ${[...program, 'cni', '--socket', socketPath].map(quoted).join(' ')}\n`;
      put(join(binDir, 'skiff'), script, 0o755, ledger);
      // The runtime calls this one for every pod, beside the configured ones; Debian's and others' packages have it.
      if (!existsSync(join(binDir, 'loopback'))) put(join(binDir, 'loopback'), script, 0o755, ledger);
      put(join(confDir, CONFIGURATION), `${JSON.stringify({ cniVersion: CNI_VERSION, name: 'skiff', plugins: [{ type: 'skiff', capabilities: { portMappings: true } }] }, undefined, 2)}\n`, 0o644, ledger);
    },
    async stop() {
      server?.close();
      rmSync(socketPath, { force: true });
      await network.stop();
    },
  };
}

function put(path: string, text: string, mode: number, ledger: Ledger): void {
  if (readFileIfThere(path) === text) return;
  ledger.making(path);
  makeDirectory(dirname(path));
  writeFileSync(path, text, { mode });
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

async function serve(socket: Socket, network: PodNetwork): Promise<void> {
  try {
    const answer = await answerTo(JSON.parse(await callOn(socket)) as CniCall, network).catch((error: unknown) => cniError(FAILED, messageOf(error)));
    socket.end(JSON.stringify(answer));
  } catch {
    socket.destroy(); // the plugin has gone
  }
}

/** All that the plugin says; its socket stays open for the answer. */
function callOn(socket: Socket): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    socket.setEncoding('utf8').on('data', (chunk: Buffer) => {
      text += String(chunk);
      if (text.length > CALL_MAX_BYTES) reject(new Error('the call is too long'));
    });
    socket.once('end', () => resolve(text)).once('error', reject);
  });
}

async function answerTo(call: CniCall, network: PodNetwork): Promise<CniAnswer> {
  const { command: verb, containerId, netns, config } = call;
  const cniVersion = config.cniVersion ?? CNI_VERSION;
  if (config.type === 'loopback') {
    if (verb === 'ADD') await command('nsenter', [`--net=${netns}`, 'ip', 'link', 'set', 'lo', 'up']);
    return { code: 0, output: { cniVersion, interfaces: [{ name: 'lo', sandbox: netns }], ips: [] } };
  }
  if (verb === 'DEL') await network.detach(containerId, netns);
  if (verb !== 'ADD') return { code: 0, output: undefined };
  const { ips } = await network.attach(containerId, netns, podOf(call));
  const addresses = ips.map((ip) => (ip.includes(':') ? { version: '6', address: `${ip}/128`, interface: 0 } : { version: '4', address: `${ip}/32`, interface: 0 }));
  return { code: 0, output: { cniVersion, interfaces: [{ name: 'eth0', sandbox: netns }], ips: addresses, dns: {} } };
}

function podOf({ args, config }: CniCall): Parameters<PodNetwork['attach']>[2] {
  const told = new Map(args.split(';').map((pair): [string, string] => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
  const hostPorts = (config.runtimeConfig?.portMappings ?? []).map((port) => ({
    hostPort: port.hostPort ?? port.HostPort ?? 0, containerPort: port.containerPort ?? port.ContainerPort ?? 0,
    protocol: (port.protocol ?? port.Protocol ?? 'tcp').toUpperCase() as 'TCP', hostIp: port.hostIP ?? port.HostIP ?? '',
  })).filter(({ hostPort }) => hostPort > 0);
  return { namespace: told.get('K8S_POD_NAMESPACE') ?? '', name: told.get('K8S_POD_NAME') ?? '', uid: told.get('K8S_POD_UID') ?? '', hostPorts };
}
