// Many writers, many watchers whose connections are cut, and a server that is killed: no event is lost, doubled or out of order, no revision
// goes back, and nothing that a watcher saw is taken back. The server is a process of its own with its data on disk.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { connectCluster, type Cluster } from '../bench/cluster-connection.ts';
import { seeded } from '../contract/store.ts';
import { until } from '../support/until.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const [WRITERS, WATCHERS, KILLS, WRITES_PER_ROUND] = [6, 8, 3, 250];
const directory = mkdtempSync(join(tmpdir(), `skiff-watch-${String(process.pid)}-`));
const chance = seeded(20261121);

let child: ChildProcess | undefined;
let cluster: Cluster | undefined;
let stopped = false;
t.setTimeout(120_000);
t.teardown(async () => {
  cluster?.close();
  if (child !== undefined && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(directory, { recursive: true, force: true });
});

const port = await freePort();
const kubeconfig = join(directory, 'kubeconfig');

async function start(): Promise<void> {
  const log = openSync(join(directory, 'log'), 'a');
  const server = spawn(process.execPath, [join(import.meta.dirname, '../../cmd/main.ts'), 'server', '--disable-agent', '--data-dir', join(directory, 'data'), '--bind-address', '127.0.0.1', '--https-listen-port', String(port), '--write-kubeconfig', kubeconfig], { stdio: ['ignore', log, log] });
  child = server;
  await until(async () => {
    if (server.exitCode !== null) throw new Error(`the server ended: ${readFileSync(join(directory, 'log'), 'utf8').slice(-2000)}`);
    cluster = existsSync(kubeconfig) ? await connectCluster(readFileSync(kubeconfig, 'utf8'), '127.0.0.1').catch(() => undefined) : undefined;
    return cluster !== undefined;
  }, 'the server to answer');
}

interface Written { revision: number; name: string; uid: string; deleted: boolean }
interface Meta { name: string; uid: string; resourceVersion: string }
interface Seen { type: string; revision: number; name: string; uid: string }
/** What a watcher has from one list on: the list's revision and objects, and the events after it. */
interface Span { from: number; state: Map<string, number>; events: Seen[] }

const acknowledged: Written[] = [];
/** Names whose last write was cut off: it may have happened. */
const doubtful = new Set<string>();

async function write(lane: number, count: number): Promise<void> {
  const mine = new Map<string, Meta>();
  for (let at = 0; at < count; at++) {
    const name = `w${String(lane)}-${String(Math.floor(chance() * 12))}-${String(round)}`;
    const known = mine.get(name);
    const deletes = known !== undefined && chance() < 0.3;
    try {
      const body = { metadata: { name }, data: { at: String(at), fill: 'x'.repeat(Math.floor(chance() * 500)) } };
      const answer = known === undefined ? await call('POST', MAPS, body) : deletes ? await call('DELETE', `${MAPS}/${name}`) : await call('PUT', `${MAPS}/${name}`, body);
      const { metadata } = JSON.parse(answer) as { metadata: Meta };
      acknowledged.push(deletes ? { revision: 0, name, uid: known.uid, deleted: true } : { revision: Number(metadata.resourceVersion), name, uid: metadata.uid, deleted: false });
      if (deletes) mine.delete(name);
      else mine.set(name, metadata);
    } catch {
      doubtful.add(name); // killed in the middle
      return;
    }
  }
}

async function call(method: string, path: string, body?: unknown): Promise<string> {
  if (cluster === undefined) throw new Error('no server');
  return (await cluster.call(method, path, body)).body;
}

/** Lists once, then watches from where it is; after a cut it goes on there, and lists again only where it is told to (410). */
async function follow(spans: Span[]): Promise<void> {
  let last = 0;
  while (!stopped) {
    try {
      if (last === 0) last = await list(spans);
      last = await watchOnce(spans.at(-1) as Span, last);
    } catch (error) {
      if (/410|Expired|too old/.test(String(error))) last = 0;
      else await new Promise((resolve) => setTimeout(resolve, 20)); // the server is away
    }
  }
}

async function list(spans: Span[]): Promise<number> {
  const { metadata, items } = JSON.parse(await call('GET', MAPS)) as { metadata: { resourceVersion: string }; items: { metadata: Meta }[] };
  const from = Number(metadata.resourceVersion);
  spans.push({ from, state: new Map(items.map((item) => [item.metadata.name, Number(item.metadata.resourceVersion)])), events: [] });
  return from;
}

// Resolves with the last revision when the connection ends: cut by us at some event, by the server, or by its death.
function watchOnce(span: Span, from: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let last = from;
    let [left, close] = [10 + Math.floor(chance() * 120), (): void => {}];
    const watching = cluster;
    if (watching === undefined) return reject(new Error('no server'));
    watching.watch(`${MAPS}?watch=1&allowWatchBookmarks=true&timeoutSeconds=60&resourceVersion=${String(from)}`, ({ type, object }) => {
      const { metadata, code } = object as unknown as { metadata: Meta; code?: number };
      if (left < 0) return; // what came after the cut is not ours
      if (type === 'ERROR') return reject(new Error(String(code)));
      last = Number(metadata.resourceVersion);
      if (type !== 'BOOKMARK') span.events.push({ type, revision: last, name: metadata.name, uid: metadata.uid });
      if (--left < 0) end();
    }, () => end()).then((closing) => {
      close = closing;
      enders.add(end);
      if (stopped) end();
    }, reject);
    function end(): void {
      left = -1;
      enders.delete(end);
      close();
      resolve(last);
    }
  });
}
const enders = new Set<() => void>();

let round = 0;

await t.test('writers and watchers over cuts and kills', async (t) => {
  await start();
  const watchers = Array.from({ length: WATCHERS }, (): Span[] => []);
  const following = watchers.map(follow);
  let highest = 0;
  for (; round <= KILLS; round++) {
    const writing = Array.from({ length: WRITERS }, (_, lane) => write(lane, WRITES_PER_ROUND / WRITERS));
    if (round < KILLS) {
      const before = acknowledged.length;
      await Promise.race([until(() => acknowledged.length - before > WRITES_PER_ROUND * (0.3 + chance() * 0.5), 'some writes'), Promise.all(writing)]);
      const ended = once(child as ChildProcess, 'exit');
      child?.kill('SIGKILL');
      await ended;
      cluster?.close();
      cluster = undefined;
      await Promise.all(writing);
      highest = Math.max(highest, ...watchers.flatMap((spans) => spans.flatMap(({ events }) => events.map(({ revision }) => revision))), ...acknowledged.map(({ revision }) => revision));
      await start();
      const { metadata } = JSON.parse(await call('POST', MAPS, { metadata: { name: `after-${String(round)}` } })) as { metadata: Meta };
      t.ok(Number(metadata.resourceVersion) > highest, `revision ${metadata.resourceVersion} after ${String(highest)}`);
    } else await Promise.all(writing);
  }
  const { metadata } = JSON.parse(await call('POST', MAPS, { metadata: { name: 'last' } })) as { metadata: Meta };
  await until(() => watchers.every((spans) => (spans.at(-1)?.events.at(-1)?.revision ?? spans.at(-1)?.from ?? 0) >= Number(metadata.resourceVersion)), 'every watcher to see the last write');
  stopped = true;
  for (const end of enders) end();
  await Promise.all(following);
  t.comment(`${String(acknowledged.length)} writes, ${String(watchers.reduce((sum, spans) => sum + spans.reduce((events, span) => events + span.events.length, 0), 0))} events, ${String(watchers.flat().length)} lists`);
  watchers.forEach((spans, index) => t.strictSame(problemsOf(spans, watchers), [], `watcher ${String(index)}`));
});

function problemsOf(spans: readonly Span[], all: readonly Span[][]): string[] {
  const problems: string[] = [];
  for (const [index, { from, state, events }] of spans.entries()) {
    const next = spans[index + 1];
    if (next !== undefined && next.from < (events.at(-1)?.revision ?? from)) problems.push(`list ${String(next.from)} behind ${String(events.at(-1)?.revision)}`);
    events.forEach(({ revision }, at) => {
      const before = events[at - 1]?.revision ?? from;
      if (revision <= before) problems.push(`event ${String(revision)} after ${String(before)}`);
    });
    problems.push(...replayProblems(state, events));
    const to = events.at(-1)?.revision ?? from;
    const seen = new Set(events.map(({ revision }) => revision));
    const gone = new Set(events.filter(({ type }) => type === 'DELETED').map(({ uid }) => uid));
    for (const { revision, deleted } of acknowledged) if (!deleted && revision > from && revision <= to && !seen.has(revision)) problems.push(`write ${String(revision)} is lost`);
    // What another watcher saw, this one saw too.
    for (const other of all.flat()) for (const event of other.events) if (event.revision > from && event.revision <= to && !seen.has(event.revision)) problems.push(`${event.type} ${String(event.revision)} is lost`);
    const last = next === undefined;
    for (const { uid, name, deleted } of acknowledged) if (last && deleted && events.some((event) => event.uid === uid && event.type === 'ADDED') && !gone.has(uid)) problems.push(`the end of ${name} is lost`);
    for (const [name, revision] of state) {
      const written = acknowledged.filter((one) => one.name === name && one.revision <= from).at(-1);
      if (written !== undefined && !doubtful.has(name) && !written.deleted && written.revision !== revision && written.revision < from && revision < written.revision) problems.push(`list ${String(from)} has ${name} of ${String(revision)}, written last in ${String(written.revision)}`);
    }
  }
  return problems.slice(0, 20);
}

/** An object is added once, changed while it is there, and gone once. */
function replayProblems(state: ReadonlyMap<string, number>, events: readonly Seen[]): string[] {
  const there = new Set(state.keys());
  return events.flatMap(({ type, name, revision }) => {
    const fits = type === 'ADDED' ? !there.has(name) : there.has(name);
    if (type === 'DELETED') there.delete(name);
    else there.add(name);
    return fits ? [] : [`${type} of ${name} in ${String(revision)} where it ${type === 'ADDED' ? 'was' : 'was not'}`];
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port: free } = probe.address() as AddressInfo;
  probe.close();
  return free;
}
