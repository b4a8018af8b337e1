// A node under blows: skiff, conmon, containers' processes and runc killed with -9, disks that are full, a registry that stalls, cuts and lies, at
// points that a seed chooses, while pods of every kind are made and end. After each blow the node converges; no container ever runs twice; an exit
// code is only lost with the conmon that knew it; nothing is left of pods that are gone.
//   SKIFF_CHAOS_ROUNDS  how many blows (default 6)      SKIFF_CHAOS_SEED   the seed, as a failed run has printed it
//                                                       SKIFF_CHAOS_BLOWS  a pattern: only blows whose names match
import { readdirSync, readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { seeded } from '../contract/store.ts';
import { openApi } from '../support/api.ts';
import { createCluster } from '../support/cluster.ts';
import { fixtureImages, packTree, pushImages } from '../support/images.ts';
import { ownNetwork } from '../support/lab.ts';
import { startRegistry } from '../support/registry.ts';
import { startSpoilingRegistry } from '../support/spoiling-registry.ts';
import { until } from '../support/until.ts';
import { belongings, strays } from './chaos/belongings.ts';
import { endingPod, FIXED, NOTES, pullingPod, stayingDeployments, type Ending } from './chaos/pods.ts';

ownNetwork();
const ROUNDS = Number(process.env['SKIFF_CHAOS_ROUNDS'] ?? '6');
const SEED = Number(process.env['SKIFF_CHAOS_SEED'] ?? String(Date.now() % 1_000_000));
t.setTimeout(300_000 + ROUNDS * 60_000);
t.comment(`SKIFF_CHAOS_SEED=${String(SEED)}`);

const chance = seeded(SEED);
const below = (limit: number): number => Math.floor(chance() * limit);
const WORKERS = 2;
const HOST_PORT = 8088;
const DISKS = ['/var/lib/skiff', '/var/lib/kubelet', '/var/log/pods'];
// Disks are filled on purpose: the node's own answers to that are another test's.
const SETTINGS = ['eviction-hard=memory.available<1Mi', 'image-gc-high-threshold=100'].flatMap((setting) => ['--kubelet-arg', setting]);
const cluster = await createCluster('c', '10.96.6', (lab) => `mirrors:\n  docker.io:\n    endpoint: ["http://${lab.ip}:5000"]\n`);
const real = await startRegistry({ address: cluster.lab.ip, port: 5001 });
const registry = await startSpoilingRegistry({ address: cluster.lab.ip, port: 5000, upstream: real.url });
await pushImages(real.url, undefined, 'library/');
const base = fixtureImages()[0]?.layers[0]?.tar ?? Buffer.alloc(0);
t.teardown(async () => {
  await cluster.remove();
  await registry.stop();
  await real.stop();
});
const { kubectl, tryKubectl, host } = cluster;
const shell = (script: string): string => host.run('sh', '-c', script);
const lines = (script: string): string[] => shell(`{ ${script}; } || true`).split('\n').filter(Boolean).sort();
const start = (): Promise<void> => cluster.start(...SETTINGS);
const restart = async (meanwhile: () => void = () => {}): Promise<void> => {
  await cluster.stop('SIGKILL');
  meanwhile();
  await start();
};

interface Container {
  id: string;
  pod: string;
  name: string;
}

/** Ends of this round's pods. A blow that may take a code or a start away adds what else is right, by `pod/container`. */
const ends = new Map<string, Ending>();
const forgiven = new Map<string, Set<number>>();
/** Containers whose ends nobody may know of. */
const forgive = ({ pod, name }: Pick<Container, 'pod' | 'name'>, code: number): void => {
  const key = `${pod}/${name}`;
  forgiven.set(key, new Set([...forgiven.get(key) ?? [], code]));
};
/** Starts that fail: of containers that have noted nothing. */
let startsMayFail = false;

function apply(...objects: object[]): void {
  const { code, stderr } = tryKubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  if (code !== 0) throw new Error(stderr);
}

function make(ending: Ending): void {
  ends.set(ending.name, ending);
  apply(...ending.objects);
}

function containers(): Container[] {
  return lines('cd /var/lib/skiff/agent/containers && for f in *; do printf "%s " "$f"; grep -oE \'"io.kubernetes.(pod|container).name":"[^"]*"\' "$f/record.json" 2>/dev/null | sort -u | tr "\\n" " "; echo; done').flatMap((line) => {
    const [id = ''] = line.split(' ');
    const [pod, name] = ['pod', 'container'].map((what) => new RegExp(`kubernetes\\.${what}\\.name":"([^"]*)"`).exec(line)?.[1]);
    return pod === undefined || name === undefined ? [] : [{ id, pod, name }];
  });
}

const pick = <T>(list: readonly T[]): T | undefined => list[below(list.length)];

/** Kills the process that a file of one container names, and forgives it the code. */
function strike(file: 'pidfile' | 'conmon.pid', ...codes: number[]): void {
  const victim = pick(containers());
  if (victim === undefined) return;
  for (const code of codes) forgive(victim, code);
  shell(`p=$(cat /var/lib/skiff/agent/containers/${victim.id}/${file} 2>/dev/null) && kill -9 $p 2>/dev/null; true`);
}

const fill = (): void => void shell(`for d in ${DISKS.join(' ')}; do dd if=/dev/zero of=$d/filler bs=64k 2>/dev/null; done; true`);
const free = (): void => void shell(`rm -f ${DISKS.map((disk) => `${disk}/filler`).join(' ')}`);
const pause = (seconds: number): void => void shell(`sleep ${(chance() * seconds).toFixed(3)}`);

let fresh = 0;

/** A pod whose image is a new one. */
async function pulling(manner: typeof registry.manner): Promise<void> {
  registry.manner = manner;
  const name = `fresh-${String(fresh++)}`;
  const noise = Buffer.from(Uint32Array.from({ length: 500_000 }, () => below(2 ** 32)).buffer);
  await pushImages(real.url, [{ name: `${name}:1`, layers: [{ tar: base }, { tar: packTree({ noise: { text: noise } }) }], config: { Env: ['PATH=/bin'] } }], 'library/');
  make(pullingPod(`once-${name}`, `${name}:1`, below));
  pause(1.5);
}

/** Name by name what is done to the node; each leaves it with skiff running and the registry honest. */
const BLOWS: Record<string, () => void | Promise<void>> = {
  'skiff is killed': () => restart(),
  'skiff is killed, and a container meanwhile': () => restart(() => strike('pidfile', 137)),
  'skiff is killed, and a conmon meanwhile': () => restart(() => strike('conmon.pid', 255, 137)),
  'skiff is killed again and again': async () => {
    for (let time = 0; time < 3; time++) {
      await restart();
      pause(0.5);
    }
  },
  'a conmon is killed': () => strike('conmon.pid', 255, 137),
  'a container is killed': () => strike('pidfile', 137),
  'runc is killed in flight'() {
    startsMayFail = true;
    for (let time = 0; time < 20; time++) shell('pkill -9 -x runc; sleep 0.01; true');
  },
  async 'runc and skiff are killed'() {
    startsMayFail = true;
    shell('for i in 1 2 3 4 5; do pkill -9 -x runc; sleep 0.01; done; true');
    await restart();
  },
  'pods go while they are made': () => void tryKubectl(['delete', 'pods', '-l', 'stays=yes', '--wait=false']),
  async 'disks are full'() {
    startsMayFail = true;
    fill();
    pause(4);
    free();
    if (cluster.ended()) await start();
  },
  async 'disks are full and skiff is killed'() {
    startsMayFail = true;
    fill();
    pause(2);
    await restart(free);
  },
  'the registry stalls, and skiff is killed': async () => {
    await pulling('stalls');
    await restart(() => { registry.manner = 'slow'; });
  },
  'skiff is killed while it pulls': async () => {
    await pulling('slow');
    await restart();
  },
  'the registry cuts': () => pulling('cuts'),
  'the registry lies': () => pulling('lies'),
  'the registry is busy': () => pulling('is busy'),
  'the registry is away': () => pulling('refuses'),
};

interface ContainerState {
  name: string;
  restartCount: number;
  state: { terminated?: { exitCode: number; reason: string } };
}
interface Pod {
  metadata: { name: string; uid: string; deletionTimestamp?: string };
  status: { phase: string; conditions?: { type: string; status: string }[]; initContainerStatuses?: ContainerState[]; containerStatuses?: ContainerState[] };
}

let api: ReturnType<typeof openApi> | undefined;
const pods = async (selector = ''): Promise<Pod[]> => (await (api ??= openApi(cluster.kubeconfig, { timeoutMs: 20_000 })).json('GET', `/api/v1/namespaces/default/pods?labelSelector=${encodeURIComponent(selector)}`))['items'] as Pod[];
const staying = (): Promise<Pod[]> => pods('stays=yes');
const once = (): Promise<Pod[]> => pods('app=once');

/** First processes of containers of which there are more than one, as the machine has them now. */
function doubles(): string[] {
  const seen = new Set<string>();
  return firstProcesses().filter((name) => {
    const again = seen.has(name);
    seen.add(name);
    return again;
  });
}

/** `pod container` of each container's first process: by the cgroups of the test's host, which no other test shares. */
function firstProcesses(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/c${String(process.pid)}n1/kubepods`) || !/^NSpid:.*\s1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return [];
      const environment = new Map(readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
      const pod = environment.get('HOSTNAME') ?? '';
      return /^(worker|front|once)-/.test(pod) ? [`${pod} ${environment.get('NAME') ?? ''}`] : [];
    } catch {
      return []; // it has gone meanwhile
    }
  });
}

async function converges(): Promise<void> {
  await until(async () => {
    const twice = doubles();
    if (twice.length > 0) throw new Error(`run twice: ${twice.join(', ')}`);
    const list = await staying();
    return list.length === WORKERS + 1 && list.every(({ metadata, status }) => metadata.deletionTimestamp === undefined && status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'));
  }, 'all that stay to be ready', 120_000);
  // One that died without its conmon is found by a slow poll.
  await until(() => firstProcesses().filter((name) => name.startsWith('worker-')).length === WORKERS, 'as many processes as there are workers', 60_000);
  await until(async () => {
    const front = (await staying()).find(({ metadata }) => metadata.name.startsWith('front'));
    const answer = await fetch(`http://${host.ip}:${String(HOST_PORT)}/`).then((response) => response.text(), () => '');
    return front !== undefined && answer.trim() === front.metadata.name;
  }, 'the host port to answer', 60_000);
  await until(async () => (await once()).every(({ status }) => ['Succeeded', 'Failed'].includes(status.phase)), 'pods that end to have ended', 150_000);
}

/** What is wrong with the ends of this round's pods. */
async function wrongEnds(): Promise<string[]> {
  const notes = (file: string): string[] => shell(`cat ${NOTES}/${file} 2>/dev/null || true`).split('\n').filter(Boolean);
  const starts = notes('starts');
  const noted = new Map(notes('ends').map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]));
  const seen = await once();
  const wrong = [...ends.keys()].filter((name) => !seen.some(({ metadata }) => metadata.name === name)).map((name) => `${name} is gone`);
  for (const { metadata: { name }, status } of seen) {
    const ending = ends.get(name);
    const statuses = [...status.initContainerStatuses ?? [], ...status.containerStatuses ?? []];
    let failed = false;
    for (const [container, code] of Object.entries(ending?.codes ?? {})) {
      const { state: { terminated } = {}, restartCount = 0 } = statuses.find((one) => one.name === container) ?? {};
      const key = `${name}/${container}`;
      const [began, ended] = [starts.filter((line) => line === key).length, noted.get(key)];
      const right = new Set([code, ...(forgiven.get(key) ?? []), ...(startsMayFail && ended === undefined ? [128, 137, 255] : [])]);
      const shown = `${key} ended with ${String(terminated?.exitCode)} ${String(terminated?.reason)}, noted ${String(began)} starts and the end ${String(ended)}, right is ${[...right].join(' or ')}`;
      if (terminated === undefined ? !failed : !right.has(terminated.exitCode)) wrong.push(shown);
      if (began > 1 && ending?.retried !== true) wrong.push(`${shown}: started again`);
      if (ending?.retried === true && began > restartCount + 1) wrong.push(`${shown}: ${String(restartCount)} restarts`);
      if (failed && began > 0 && Object.keys(ending?.codes ?? {}).indexOf(container) > 0 && statuses.some((one) => one.name === 'side')) wrong.push(`${shown}: begun after what failed before it`);
      failed ||= terminated?.exitCode !== 0 && status.initContainerStatuses?.some((one) => one.name === container) === true;
    }
  }
  return wrong;
}

/** What a failure is understood by. */
function tell(t: Test, what: string): void {
  for (const text of [what, kubectl('describe', 'pods'), shell('ps axfo pid,ppid,stat,wchan:20,args'), cluster.log().slice(-8000)]) t.comment(text);
}

// As a test, so that the host goes away also when the server does not come up.
await t.test('a server comes up on small disks', async () => {
  shell(DISKS.map((disk) => `mount -t tmpfs -o size=${disk.endsWith('skiff') ? '400m' : '60m'} tmpfs ${disk}`).join(' && '));
  shell(`mkdir -p ${NOTES}`);
  await start();
});

await t.test('blow after blow the node converges', async (t) => {
  apply(...FIXED);
  const before = belongings(lines);
  apply(...stayingDeployments(WORKERS, HOST_PORT));
  await converges();
  const names = Object.keys(BLOWS).filter((name) => new RegExp(process.env['SKIFF_CHAOS_BLOWS'] ?? '').test(name));
  for (let round = 0; round < ROUNDS; round++) {
    const blow = names[(round + SEED) % names.length] ?? '';
    for (let pod = 0; pod < 2; pod++) make(endingPod(`once-${String(round)}-${String(pod)}`, below));
    pause(1.5);
    await BLOWS[blow]?.();
    if (registry.manner !== 'slow') {
      pause(3);
      registry.manner = 'slow';
    }
    await converges().catch((error: unknown) => {
      tell(t, `round ${String(round)}, ${blow}`);
      throw error;
    });
    const wrong = await wrongEnds();
    if (wrong.length > 0) tell(t, `round ${String(round)}, ${blow}`);
    t.same(wrong, [], `round ${String(round)}, ${blow}: ${[...ends.keys()].join(', ')} ended as they were to`);
    kubectl('delete', 'pods', '-l', 'app=once');
    ends.clear();
    forgiven.clear();
    startsMayFail = false;
    let left: string[] = [];
    await until(async () => (left = strays(lines, (await pods()).map(({ metadata }) => metadata.uid))).length === 0, 'what is gone to be gone', 30_000).catch(() => {});
    t.same(left, [], `round ${String(round)}, ${blow}: nothing is left of pods that are gone`);
  }
  kubectl('delete', 'deployment', 'worker', 'front');
  await until(async () => (await pods()).length === 0, 'those that stay to go', 60_000);
  await until(() => belongings(lines).join() === before.join(), 'everything to go', 30_000).catch(() => {});
  t.same(belongings(lines), before, 'nothing is left');
});
