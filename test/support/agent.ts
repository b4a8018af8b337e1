// Another node of a test's cluster: an agent on a host of its own, which pulls where the server does.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from './cluster.ts';
import type { Host } from './lab.ts';

export interface TestAgent {
  host: Host;
  /** To begin with, by the flags of `joining`. */
  start(...flags: string[]): void;
  /** Of the one started last: code and signal. */
  ended(): Promise<unknown[]>;
  stop(signal?: NodeJS.Signals): Promise<unknown[]>;
  /** What it has said since it was started. */
  log(): string;
  /** Whether its node is. */
  ready(): boolean;
}

/** Its node has the host's name unless `named` is false. It ends with its host at the latest. */
export function addAgent({ lab, program, tryKubectl }: Cluster, name: string, { named = true } = {}): TestAgent {
  const host = lab.addHost(name);
  const logFile = join(lab.directory, `${name}.log`);
  host.run('sh', '-c', `mkdir -p /etc/skiff && cp ${join(lab.directory, 'registries.yaml')} /etc/skiff/registries.yaml`);
  let ended: Promise<unknown[]> = Promise.resolve([]);
  return {
    host,
    start(...flags) {
      const [enter = '', ...rest] = [...host.enter, ...program, 'agent', ...(named ? ['--node-name', name] : []), '--node-ip', host.ip, ...flags];
      const log = openSync(logFile, 'w');
      const agent: ChildProcess = spawn(enter, rest, { stdio: ['ignore', log, log] });
      ended = once(agent, 'exit');
    },
    ended: () => ended,
    stop(signal = 'SIGTERM') {
      host.run('pkill', `-${signal}`, '-f', `${program.join(' ')} agent`);
      return ended;
    },
    log: () => readFileSync(logFile, 'utf8'),
    ready: () => new RegExp(`^${name} +Ready`, 'm').test(tryKubectl(['get', 'nodes', '--no-headers']).stdout),
  };
}

/** Flags by which an agent joins. */
export function joining({ host }: Cluster): string[] {
  return ['--server', `https://${host.ip}:6443`, '--token', host.run('cat', '/var/lib/skiff/server/node-token').trim()];
}
