// A server under measurement, on a test host: starts and stops it, and reads what it and all its children cost, from the host's cgroup and /proc.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host, Lab } from '../support/lab.ts';
import { connectCluster, type Cluster } from './cluster-connection.ts';

export interface Memory {
  rssKb: number;
  pssKb: number;
  anonymousKb: number;
}

export interface BenchServer {
  /** Seconds from exec to a Ready condition that this run has posted. */
  start(): Promise<number>;
  stop(): Promise<void>;
  /** Stops it and empties the machine's disk. */
  wipe(): Promise<void>;
  settle(ms: number): Promise<void>;
  cluster(): Cluster;
  /** `without`: processes whose command line begins so are not counted. */
  memory(without?: string): Memory;
  counters(): { cpuSeconds: number; writtenBytes: number };
}

export function createServer({ lab, host, registry, command }: { lab: Lab; host: Host; registry: string; command: string }): BenchServer {
  let child: ChildProcess | undefined;
  let connection: Cluster | undefined;
  const kubeconfig = '/var/lib/skiff/kubeconfig';
  const seen = join(host.disk, 'plain', kubeconfig);
  const words = command.replaceAll('{registry}', `http://${registry}`).replaceAll('{directory}', lab.directory).split(' ');
  writeFileSync(join(lab.directory, 'registries.yaml'), `mirrors:\n  "${registry}":\n    endpoint: ["http://${registry}"]\n`);
  forgetPages(words[0] ?? '');
  const stop = async (): Promise<void> => {
    connection?.close();
    connection = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    // The child is the shell that entered the host; the server is the process in it that holds the data folder.
    for (const pid of pids(host)) if (commandLine(pid).includes('--write-kubeconfig')) process.kill(pid, 'SIGTERM');
    await ended;
    child = undefined;
  };
  return {
    stop,
    async start() {
      const begin = performance.now();
      const wall = Math.floor(Date.now() / 1000) * 1000;
      const [enter, ...rest] = [...host.enter, ...words, '--data-dir', '/var/lib/skiff/data', '--node-name', 'measured', '--write-kubeconfig', kubeconfig];
      const log = openSync(join(lab.directory, 'server.log'), 'a');
      child = spawn(enter, rest, { stdio: ['ignore', log, log] });
      for (;;) {
        if (child.exitCode !== null) throw new Error(`the server ended with ${String(child.exitCode)}: ${readFileSync(join(lab.directory, 'server.log'), 'utf8').slice(-2000)}`);
        if (existsSync(seen)) {
          connection ??= await connectCluster(readFileSync(seen, 'utf8'), host.ip).catch(() => undefined);
          const beat = await connection?.nodeHeartbeat('measured').catch(() => undefined);
          if (beat !== undefined && beat >= wall) return (performance.now() - begin) / 1000;
        }
        if (performance.now() - begin > 120_000) throw new Error('the server is not Ready after 120 s');
        await sleep(25);
      }
    },
    async wipe() {
      await stop();
      host.kill();
      rmSync(join(host.disk, 'plain'), { recursive: true, force: true });
      host.boot();
    },
    settle: (ms) => sleep(ms),
    cluster() {
      if (connection === undefined) throw new Error('the server is not started');
      return connection;
    },
    memory: (without) => {
      const counted = pids(host).filter((pid) => without === undefined || !commandLine(pid).startsWith(without));
      return counted.map(memoryOf).reduce((sum, one) => ({ rssKb: sum.rssKb + one.rssKb, pssKb: sum.pssKb + one.pssKb, anonymousKb: sum.anonymousKb + one.anonymousKb }), { rssKb: 0, pssKb: 0, anonymousKb: 0 });
    },
    counters: () => ({ cpuSeconds: cpuOf(host), writtenBytes: pids(host).map(writtenBy).reduce((sum, one) => sum + one, 0) }),
  };
}

// A program that was just written lies in the page cache in large pieces, and each touch of one counts as a whole: RSS is then twice what it is
// on a machine that has read the program from its disk.
function forgetPages(program: string): void {
  execFileSync('sync', ['-f', program]);
  execFileSync('dd', [`if=${program}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
}

// All processes of the host's pid namespace but its init.
function pids(host: Host): number[] {
  const init = host.enter.join(' ').match(/nsenter -t (\d+)/)?.[1] ?? '';
  const namespace = readlinkSync(`/proc/${init}/ns/pid`);
  return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && entry !== init).map(Number).filter((pid) => {
    try {
      return readlinkSync(`/proc/${String(pid)}/ns/pid_for_children`) === namespace && !/^(tini|sleep infinity)/.test(commandLine(pid)) && readlinkSync(`/proc/${String(pid)}/ns/pid`) === namespace;
    } catch {
      return false; // it has ended
    }
  });
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // it has ended
  }
}

function memoryOf(pid: number): Memory {
  try {
    const text = readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'utf8');
    const field = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
    return { rssKb: field('Rss'), pssKb: field('Pss'), anonymousKb: field('Pss_Anon') };
  } catch {
    return { rssKb: 0, pssKb: 0, anonymousKb: 0 }; // it has ended
  }
}

/** Of the host's cgroup: also of processes that have ended, whoever reaped them. */
function cpuOf(host: Host): number {
  const name = host.enter.join(' ').match(/cgroup\/\*\/(\S+) /)?.[1] ?? '';
  const v1 = `/sys/fs/cgroup/cpuacct/${name}/cpuacct.usage`;
  if (existsSync(v1)) return Number(readFileSync(v1, 'utf8')) / 1e9;
  return Number(/usage_usec (\d+)/.exec(readFileSync(`/sys/fs/cgroup/${name}/cpu.stat`, 'utf8'))?.[1]) / 1e6;
}

function writtenBy(pid: number): number {
  try {
    const io = readFileSync(`/proc/${String(pid)}/io`, 'utf8');
    const field = (name: string): number => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(io)?.[1] ?? 0);
    return field('write_bytes') - field('cancelled_write_bytes');
  } catch {
    return 0; // it has ended
  }
}
