// A node under blows: skiff, conmon, containers' processes and runc killed with -9 at points that a seed chooses, while pods are made and end. After
// each blow the node converges; no container ever runs twice; an exit code is only lost with the conmon that knew it; in the end nothing is left.
//   SKIFF_CHAOS_ROUNDS  how many blows (default 6)      SKIFF_CHAOS_SEED   the seed, as a failed run has printed it
//                                                       SKIFF_CHAOS_BLOWS  a pattern: only blows whose names match
import t from 'tap';
import { seeded } from '../contract/store.ts';
import { createCluster, until } from '../support/cluster.ts';
import { pushImages } from '../support/images.ts';
import { ownNetwork } from '../support/lab.ts';
import { startRegistry } from '../support/registry.ts';

ownNetwork();
const ROUNDS = Number(process.env['SKIFF_CHAOS_ROUNDS'] ?? '6');
const SEED = Number(process.env['SKIFF_CHAOS_SEED'] ?? String(Date.now() % 1_000_000));
t.setTimeout(300_000 + ROUNDS * 60_000);
t.comment(`SKIFF_CHAOS_SEED=${String(SEED)}`);

const chance = seeded(SEED);
const below = (limit: number): number => Math.floor(chance() * limit);
const WORKERS = 3;
const cluster = await createCluster('c', '10.96.6', (lab) => `mirrors:\n  docker.io:\n    endpoint: ["http://${lab.ip}:5000"]\n`);
const registry = await startRegistry({ address: cluster.lab.ip, port: 5000 });
await pushImages(registry.url, undefined, 'library/');
t.teardown(async () => {
  await cluster.remove();
  await registry.stop();
});
const { kubectl, tryKubectl, host } = cluster;
const shell = (script: string): string => host.run('sh', '-c', script);
const lines = (script: string): string[] => shell(`${script} || true`).split('\n').filter(Boolean).sort();

interface Container {
  id: string;
  pod: string;
}

/** Ends of pods, by name: the code each was made to end with. A blow that may take the code or the start away adds what else is right. */
const ends = new Map<string, Set<number>>();

// Each start leaves a line: pods that are to run once are to leave one.
const NOTED = 'echo "$HOSTNAME" >> /shared/starts; ';

function podSpec(command: string, restartPolicy: string): object {
  return {
    restartPolicy, terminationGracePeriodSeconds: 1, automountServiceAccountToken: false,
    containers: [{ name: 'main', image: 'busybox:1', command: ['sh', '-c', NOTED + command], volumeMounts: [{ name: 'shared', mountPath: '/shared' }, { name: 'own', mountPath: '/own' }] }],
    volumes: [{ name: 'shared', hostPath: { path: '/var/lib/chaos', type: 'DirectoryOrCreate' } }, { name: 'own', emptyDir: {} }],
  };
}

function makeOnce(name: string): void {
  const code = 1 + below(100);
  ends.set(name, new Set([code]));
  apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: 'once' } }, spec: podSpec(`sleep ${String(1 + below(3))}; exit ${String(code)}`, 'Never') });
}

function apply(object: object): void {
  const { code, stderr } = tryKubectl(['create', '-f', '-'], JSON.stringify(object));
  if (code !== 0) throw new Error(stderr);
}

function containers(): Container[] {
  return lines('cd /var/lib/skiff/agent/containers && for f in *; do printf "%s " "$f"; grep -o \'"io.kubernetes.pod.name":"[^"]*"\' "$f/record.json" 2>/dev/null | head -1; done').flatMap((line) => {
    const [id = '', pod = ''] = line.split(' ');
    const name = /:"([^"]*)"/.exec(pod)?.[1];
    return name === undefined ? [] : [{ id, pod: name }];
  });
}

const pick = <T>(list: readonly T[]): T | undefined => list[below(list.length)];
const forgive = (pods: Iterable<string>, ...codes: number[]): void => { for (const pod of pods) for (const code of codes) ends.get(pod)?.add(code); };
const kill = (file: string, { id }: Container): void => void shell(`p=$(cat /var/lib/skiff/agent/containers/${id}/${file} 2>/dev/null) && kill -9 $p 2>/dev/null; true`);

/** Name by name what is done to the node; each leaves it with skiff running. */
const BLOWS: Record<string, () => Promise<void>> = {
  async 'skiff is killed'() {
    await cluster.stop('SIGKILL');
    await cluster.start();
  },
  async 'skiff is killed, and a container meanwhile'() {
    await cluster.stop('SIGKILL');
    const victim = pick(containers());
    if (victim !== undefined) {
      forgive([victim.pod], 137);
      kill('pidfile', victim);
    }
    await cluster.start();
  },
  async 'skiff is killed, and a conmon meanwhile'() {
    await cluster.stop('SIGKILL');
    const victim = pick(containers());
    if (victim !== undefined) {
      forgive([victim.pod], 255);
      kill('conmon.pid', victim);
    }
    await cluster.start();
  },
  'a conmon is killed'() {
    const victim = pick(containers());
    if (victim !== undefined) {
      forgive([victim.pod], 255);
      kill('conmon.pid', victim);
    }
    return Promise.resolve();
  },
  'a container is killed'() {
    const victim = pick(containers());
    if (victim !== undefined) {
      forgive([victim.pod], 137);
      kill('pidfile', victim);
    }
    return Promise.resolve();
  },
  'runc is killed in flight'() {
    forgive(ends.keys(), 128, 255); // whose start it was is not known
    for (let time = 0; time < 20; time++) shell('pkill -9 -x runc; sleep 0.01; true');
    return Promise.resolve();
  },
  async 'runc and skiff are killed'() {
    forgive(ends.keys(), 128, 255);
    shell('for i in 1 2 3 4 5; do pkill -9 -x runc; sleep 0.01; done; true');
    await cluster.stop('SIGKILL');
    await cluster.start();
  },
  'pods go while they are made'() {
    tryKubectl(['delete', 'pods', '-l', 'app=worker', '--wait=false']);
    return Promise.resolve();
  },
};

interface PodList {
  items: { metadata: { name: string; deletionTimestamp?: string }; status: { phase: string; conditions?: { type: string; status: string }[]; containerStatuses?: { state: { terminated?: { exitCode: number; reason: string } } }[] } }[];
}

const pods = (app: string): PodList['items'] => (JSON.parse(kubectl('get', 'pods', '-l', `app=${app}`, '-o', 'json')) as PodList).items;

/** Names of pods with more than one first process, as the machine has them now. */
function doubles(): string[] {
  return lines('for p in /proc/[0-9]*; do grep -q "^NSpid:.*[[:space:]]1$" $p/status 2>/dev/null && tr "\\0" "\\n" < $p/environ 2>/dev/null | grep -E "^HOSTNAME=(worker|once)-"; done | sort | uniq -d');
}

async function converges(): Promise<void> {
  await until(() => {
    if (doubles().length > 0) throw new Error(`run twice: ${doubles().join(', ')}`);
    const workers = pods('worker');
    return workers.length === WORKERS && workers.every(({ metadata, status }) => metadata.deletionTimestamp === undefined && status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'));
  }, 'all workers to be ready', 120_000);
  // One that died without its conmon is found by a slow poll.
  await until(() => lines('pgrep -fx "sleep 100000"').length === WORKERS, 'as many processes as there are workers', 60_000);
  await until(() => pods('once').every(({ status }) => ['Succeeded', 'Failed'].includes(status.phase)), 'pods that end to have ended', 120_000);
}

/** What there is on the node of pods and what they are made of. */
function belongings(): string[] {
  return [
    ...lines('ls /var/lib/skiff/agent/containers /var/lib/skiff/agent/sandboxes /var/lib/skiff/agent/kubelet/pods 2>/dev/null'),
    ...lines('for d in pins exits runc sockets; do ls -d /run/skiff/*/$d/* 2>/dev/null; done'),
    ...lines('grep -oE "/(run/skiff|var/lib/skiff)/[^ ]*(pins|containers|pods/)[^ ]*" /proc/self/mountinfo'),
    ...lines('ip -o link | cut -d: -f2 | cut -d@ -f1'),
    ...lines('ls /run/netns /var/run/netns 2>/dev/null'),
    ...lines('find /sys/fs/cgroup -path "*/kubepods/*" -name "pod*" -type d'),
    ...lines('ls -d /var/lib/skiff/agent/images/layers/*.tmp 2>/dev/null'),
    ...lines('pgrep -l conmon; pgrep -lx sleep'),
    ...lines('ls /var/log/pods 2>/dev/null'),
  ];
}

// As a test, so that the host goes away also when the server does not come up.
await t.test('a server comes up', () => cluster.start());

await t.test('blow after blow the node converges', async (t) => {
  const before = belongings();
  apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'worker' }, spec: { replicas: WORKERS, selector: { matchLabels: { app: 'worker' } }, template: { metadata: { labels: { app: 'worker' } }, spec: podSpec('exec sleep 100000', 'Always') } } });
  await converges();
  const names = Object.keys(BLOWS).filter((name) => new RegExp(process.env['SKIFF_CHAOS_BLOWS'] ?? '').test(name));
  for (let round = 0; round < ROUNDS; round++) {
    const blow = names[(round + SEED) % names.length] ?? '';
    for (let pod = 0; pod < 2; pod++) makeOnce(`once-${String(round)}-${String(pod)}`);
    shell(`sleep ${(chance() * 1.2).toFixed(3)}`);
    await BLOWS[blow]?.();
    await converges().catch((error: unknown) => {
      t.comment(`round ${String(round)}, ${blow}`);
      t.comment(kubectl('describe', 'pods'));
      t.comment(shell('ps axfo pid,ppid,stat,wchan:20,args'));
      t.comment(cluster.log().slice(-4000));
      throw error;
    });
    for (const { metadata: { name }, status } of pods('once')) {
      const { exitCode, reason } = status.containerStatuses?.[0]?.state.terminated ?? {};
      t.ok(exitCode !== undefined && ends.get(name)?.has(exitCode), `round ${String(round)}, ${blow}: ${name} ended with ${String(exitCode)} ${String(reason)}, right is ${[...ends.get(name) ?? []].join(' or ')}`);
    }
    kubectl('delete', 'pods', '-l', 'app=once');
    ends.clear();
    t.same(lines('grep once /var/lib/chaos/starts | sort | uniq -d'), [], 'none that is to run once was started again');
  }
  kubectl('delete', 'deployment', 'worker');
  await until(() => pods('worker').length === 0, 'the workers to go', 60_000);
  await until(() => belongings().join() === before.join(), 'everything to go', 30_000).catch(() => {});
  t.same(belongings(), before, 'nothing is left');
});
