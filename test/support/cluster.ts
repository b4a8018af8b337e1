// A one-node Skiff on a test host, with a registry beside it, as a user has it: the built executable, a kubeconfig, upstream's kubectl.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pushImages, type FixtureImage } from './images.ts';
import { createLab, type Host, type Lab } from './lab.ts';
import { startRegistry, type TestRegistry } from './registry.ts';
import { until } from './until.ts';

const ROOT = join(import.meta.dirname, '../..');
export const SKIFF = join(ROOT, 'dist/skiff');
export const KUBECTL = join(ROOT, 'build/kubectl');

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Cluster {
  lab: Lab;
  host: Host;
  /** Path of a kubeconfig that works from the lab. */
  kubeconfig: string;
  /** kubectl in the lab; throws with what it printed unless it exits with 0. */
  kubectl(...args: string[]): string;
  /** The same without the throw, with input if wanted. */
  tryKubectl(args: readonly string[], input?: string): Ran;
  /** Applies them together; throws with what kubectl printed. */
  apply(...objects: object[]): void;
  /** What a path of jsonpath finds in the resource (`pod x`), as text: nothing where there is none. */
  field(resource: string, path: string): string;
  /** Its events, a line each: `reason: message`. */
  events(about: string): string;
  /** Its events, once they say so: an event comes by itself, before or after the status that it tells of. */
  told(about: string, words: RegExp): Promise<string>;
  /** A kubectl that goes on: `get -w`, `logs -f`. */
  spawnKubectl(...args: string[]): ChildProcess;
  /** What is started: default the built executable, or what SKIFF_PROGRAM says (`node cmd/main.ts`). */
  program: readonly string[];
  /** Starts the server and waits for the node to be Ready. */
  start(...flags: string[]): Promise<void>;
  /** Ends the server with a signal and waits for its end; pods go on. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Whether the server has ended by itself. */
  ended(): boolean;
  /** What the server has logged so far. */
  log(): string;
  remove(): Promise<void>;
}

export interface SuppliedCluster extends Cluster {
  /** Where the node pulls what names no registry; `remove` ends it too. */
  registry: TestRegistry;
}

/** A cluster, not started yet, with a registry beside it that holds the images (by default the fixtures) as Docker Hub would. */
export async function createSuppliedCluster(prefix: string, net: string, images?: FixtureImage[]): Promise<SuppliedCluster> {
  const cluster = await createCluster(prefix, net, (lab) => `mirrors:\n  docker.io:\n    endpoint: ["http://${lab.ip}:5000"]\n`);
  const registry = await startRegistry({ address: cluster.lab.ip, port: 5000 });
  await pushImages(registry.url, images, 'library/');
  return {
    ...cluster, registry,
    async remove() {
      await cluster.remove();
      await registry.stop();
    },
  };
}

export async function createCluster(prefix: string, net: string, registriesYaml: (lab: Lab) => string): Promise<Cluster> {
  const lab = createLab(prefix, net);
  const host = lab.addHost('n1');
  const kubeconfig = join(lab.directory, 'kubeconfig');
  const logFile = join(lab.directory, 'skiff.log');
  mkdirSync(join(host.disk, 'upper/etc/skiff'), { recursive: true });
  writeFileSync(join(lab.directory, 'registries.yaml'), registriesYaml(lab));
  host.run('sh', '-c', `mkdir -p /etc/skiff && cp ${join(lab.directory, 'registries.yaml')} /etc/skiff/registries.yaml`);
  let server: ChildProcess | undefined;
  const environment = (): NodeJS.ProcessEnv => ({ ...process.env, KUBECONFIG: kubeconfig, HOME: lab.directory });
  const tryKubectl = (args: readonly string[], input = ''): Ran => {
    const { status, stdout, stderr } = spawnSync(KUBECTL, args, { env: environment(), input, encoding: 'utf8', timeout: 180_000, maxBuffer: 64 << 20 });
    return { code: status ?? 1, stdout, stderr };
  };
  const cluster: Cluster = {
    lab, host, kubeconfig, tryKubectl,
    program: (process.env['SKIFF_PROGRAM'] ?? SKIFF).split(' '),
    kubectl(...args) {
      const { code, stdout, stderr } = tryKubectl(args);
      if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit ${String(code)}\n${`${stderr}${stdout}`.slice(0, 4000)}`);
      return stdout;
    },
    apply(...objects) {
      const { code, stderr } = tryKubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
      if (code !== 0) throw new Error(stderr);
    },
    field: (resource, path) => tryKubectl(['get', ...resource.split(' '), '-o', `jsonpath=${path.startsWith('{') ? path : `{${path}}`}`]).stdout,
    events: (about) => cluster.kubectl('get', 'events', '--field-selector', `involvedObject.name=${about}`, '-o', 'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}'),
    told: (about, words) => until(() => words.test(cluster.events(about)) && cluster.events(about), () => `${String(words)} in the events of ${about}:\n${cluster.events(about)}`),
    spawnKubectl: (...args) => spawn(KUBECTL, args, { env: environment(), stdio: ['pipe', 'pipe', 'pipe'] }),
    async start(...flags) {
      const [enter = '', ...rest] = [...host.enter, ...cluster.program, 'server', '--node-name', 'n1', '--node-ip', host.ip, ...flags];
      const log = openSync(logFile, 'a');
      server = spawn(enter, rest, { stdio: ['ignore', log, log] });
      await until(() => {
        if (server?.exitCode !== null) throw new Error(`the server ended: ${cluster.log().slice(-3000)}`);
        const written = host.run('sh', '-c', 'cat /etc/skiff/skiff.yaml 2>/dev/null || true');
        if (written !== '') writeFileSync(kubeconfig, written.replace(/https:\/\/[^:]+:/, `https://${host.ip}:`));
        return existsSync(kubeconfig) && / Ready /.test(tryKubectl(['get', 'nodes', '--no-headers']).stdout);
      }, 'the node to be Ready', 60_000);
    },
    async stop(signal = 'SIGTERM') {
      if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
      const ended = once(server, 'exit');
      host.run('pkill', `-${signal}`, '-f', `${cluster.program.join(' ')} server`);
      await ended;
    },
    ended: () => server !== undefined && (server.exitCode !== null || server.signalCode !== null),
    log: () => readFileSync(logFile, 'utf8'),
    async remove() {
      await cluster.stop('SIGKILL').catch(() => undefined); // it may have ended by itself
      lab.remove();
      rmSync(lab.directory, { recursive: true, force: true });
    },
  };
  return cluster;
}
