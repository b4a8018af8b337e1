// Plays cases on a server, many at once, and gives what was seen of each.
import type { Pod, PodStatus } from '../../internal/kinds/generated/api-types.ts';
import type { Api } from '../support/api.ts';
import { until } from '../support/until.ts';
import { manifest, NODE_NAME, type Ending, type NodeCase, type Play, type StaticPlaces } from './case.ts';
import { cleaner, emptyRecord, see, seeEvent, seeMirror, type PodEvent, type Recorded } from './trace.ts';

export interface Stage {
  /** Has the node pull what the cases use, so that none of them is the first. */
  warm(namespace: string, images: readonly string[]): Promise<void>;
  /** Runs them side by side, so many at once; the answers in the same order. */
  playAll(plays: readonly PlayOptions[], width: number): Promise<Recorded[]>;
}

export interface PlayOptions {
  one: NodeCase;
  namespace: string;
  /** Called when the case has come to its end; resolves when no more is to be seen. */
  settled(record: () => Recorded, changed: (signal: AbortSignal) => Promise<void>): Promise<void>;
}

/** No more than a bound on waiting in vain: how fast a machine is, is not what is looked at. */
const STEP_TIMEOUT_MS = 180_000;

interface Watched {
  /** Whether this is the moment that is looked for. */
  passes: ((pod: Pod) => boolean) | undefined;
  pod: Pod | undefined;
  gone: boolean;
  /** What is seen are mirrors, which come again. */
  isStatic: boolean;
  record: Recorded;
  clean(text: string): string;
  events: PodEvent[];
  listeners: Set<() => void>;
}

export function createStage(api: Api, places?: StaticPlaces): Stage {
  const watched = new Map<string, Watched>();
  const tell = (one: Watched): void => { one.listeners.forEach((listener) => listener()); };
  api.watch('/api/v1/pods', ({ type, object }) => {
    const pod = object as Pod;
    const one = watched.get(`${pod.metadata.namespace ?? ''}/${pod.metadata.name}`);
    if (one === undefined || (one.gone && !one.isStatic)) return;
    one.pod = pod;
    one.gone = type === 'DELETED';
    if (!one.isStatic) see(one.record, pod, one.clean);
    else seeMirror(one.record, pod, { gone: one.gone, clean: one.clean });
    if (one.passes?.(pod) === true) one.record.frozen = true;
    tell(one);
  });
  api.watch('/api/v1/events', ({ type, object }) => {
    const event = object as PodEvent;
    const one = watched.get(`${event.involvedObject.namespace}/${event.involvedObject.name}`);
    if (one === undefined || type === 'DELETED' || event.involvedObject.kind !== 'Pod' || (event.source?.component ?? event.reportingComponent) !== 'kubelet') return;
    one.events.push(event);
    tell(one);
  });

  async function play({ one, namespace, settled }: PlayOptions): Promise<Recorded> {
    const base = `/api/v1/namespaces/${namespace}`;
    for (const object of one.objects ?? []) await make(api, base, object);
    const state: Watched = { passes: undefined, pod: undefined, gone: false, isStatic: one.static !== undefined, record: emptyRecord(), clean: (text) => clean(text), events: [], listeners: new Set() };
    const clean = cleaner(() => state.pod);
    const name = one.static === undefined ? one.name : `${one.name}-${NODE_NAME}`;
    watched.set(`${namespace}/${name}`, state);
    const placed = new Map<string, () => void>();
    const stepper = createPlay(api, { ...one, name }, { namespace, state, place: placer(one.name, places, placed) });
    try {
      if (one.static === undefined) await api.json('POST', `${base}/pods`, { body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: one.name, ...one.metadata }, spec: { enableServiceLinks: false, ...one.spec } } });
      else if (one.static !== 'steps') stepper.place(one.static === 'url' ? { url: true } : '', manifest(one, one.spec, namespace));
      if (one.static !== 'steps') await stepper.until(() => true, 'the pod');
      await one.steps?.(stepper);
      if (one.passing === true) state.passes = (pod) => hasCome(one.ends, { ...state, pod });
      if (state.passes !== undefined && state.pod !== undefined && state.passes(state.pod)) state.record.frozen = true;
      await stepper.until(one.passing === true ? () => state.record.frozen === true : one.ends, 'its end');
      for (const container of one.output ?? []) state.record.output[container] = clean(await stepper.log(container));
    } catch (error) {
      state.record.output['error'] = clean(error instanceof Error ? error.message : String(error));
    }
    const whole = (): Recorded => {
      state.record.events = [];
      for (const event of state.events) seeEvent(state.record, event, clean);
      return state.record;
    };
    await settled(whole, (signal) => changed(state, signal));
    const record = structuredClone(whole());
    watched.delete(`${namespace}/${name}`);
    for (const remove of placed.values()) remove();
    if (state.gone || one.static !== undefined) return record;
    if (one.metadata?.finalizers !== undefined) await api.send('PATCH', stepper.path, { body: { metadata: { finalizers: null } }, type: 'application/merge-patch+json' });
    await api.send('DELETE', stepper.path, { body: { gracePeriodSeconds: 0 } });
    return record;
  }

  return {
    async warm(namespace, images) {
      const cases = images.map((image): NodeCase => ({ name: `warm-${image.replace(/\W/g, '-')}`, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image, command: ['true'] }] }, ends: ({ status }) => (status?.containerStatuses?.[0]?.imageID ?? '') !== '' }));
      await Promise.all(cases.map((one) => play({ one, namespace, settled: () => Promise.resolve() })));
    },
    async playAll(plays, width) {
      const results: Recorded[] = [];
      const queue = [...plays.entries()];
      const next = async (): Promise<void> => {
        for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) results[entry[0]] = await play(entry[1]);
      };
      await Promise.all(Array.from({ length: width }, next));
      return results;
    },
  };
}

/** Resolves at the next change, or when the signal says that it is enough. */
function changed({ listeners }: Watched, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      listeners.delete(end);
      signal.removeEventListener('abort', end);
      resolve();
    };
    listeners.add(end);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end);
  });
}

/** Keeps in mind how to take away what it places. */
function placer(name: string, places: StaticPlaces | undefined, placed: Map<string, () => void>): Play['place'] {
  return (file, content) => {
    if (places === undefined) throw new Error(`${name}: the node has no static pods`);
    const [key, put] = typeof file === 'string' ? [`${name}${file}.yaml`, (content: object | string | undefined) => places.write(`${name}${file}.yaml`, typeof content === 'object' ? JSON.stringify(content) : content)]
      : [`url:${name}`, (content: object | string | undefined) => places.serve(name, content as object | undefined)];
    put(content);
    if (content === undefined) placed.delete(key);
    else placed.set(key, () => put(undefined));
  };
}

function createPlay(api: Api, one: NodeCase, { namespace, state, place }: { namespace: string; state: Watched; place: Play['place'] }): Play {
  const path = `/api/v1/namespaces/${namespace}/pods/${one.name}`;
  const waitFor = async (done: () => boolean | Promise<boolean>, what: string): Promise<void> => {
    const deadline = AbortSignal.timeout(STEP_TIMEOUT_MS);
    while (!(await done())) {
      if (deadline.aborted) throw new Error(`waited in vain for ${what}`);
      await changed(state, deadline);
    }
  };
  const ended = (name: string): Promise<PodStatus> => until(async () => {
    const { status } = await api.json('GET', `/api/v1/namespaces/${namespace}/pods/${name}`).catch(() => ({})) as Partial<Pod>;
    return (status?.phase === 'Failed' || status?.phase === 'Succeeded') && status;
  }, `${name} to end`, STEP_TIMEOUT_MS);
  const play: Play = {
    path, namespace, place,
    pod: () => state.pod as Pod,
    until: (ending, what) => waitFor(() => hasCome(ending, state), what),
    create: (object, target) => make(api, `/api/v1/namespaces/${namespace}`, object, target),
    async note(name) {
      state.record.output[name] = state.clean(JSON.stringify(await ended(name)));
      await api.send('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`, { body: { gracePeriodSeconds: 0 } });
    },
    seesEnd: async (name) => void await ended(name),
    async patch(body, subresource) {
      await api.json('PATCH', subresource === undefined ? path : `${path}/${subresource}`, { body, type: 'application/strategic-merge-patch+json' });
    },
    async change(target, body) {
      await api.json('PATCH', `/api/v1/namespaces/${namespace}/${target}`, { body, type: 'application/merge-patch+json' });
    },
    async remove(graceSeconds) {
      await api.json('DELETE', path, { body: graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds } });
    },
    exec: async (container, ...command) => (await api.kubectl(['exec', '-n', namespace, one.name, '-c', container, '--', ...command])).output,
    log: async (container, query = '') => (await api.send('GET', `${path}/log?container=${container}${query}`)).text,
    // A log tells nobody that it grows, but to whom follows it.
    says: async (container, text) => void await until(async () => (await play.log(container)).includes(text), `${container} to say ${text}`, STEP_TIMEOUT_MS),
    event: (reason) => waitFor(() => state.events.some((event) => event.reason === reason), `event ${reason}`),
  };
  return play;
}

function hasCome(ending: Ending, { pod, gone }: Watched): boolean {
  if (ending === 'gone') return gone;
  if (pod === undefined) return false;
  if (typeof ending === 'function') return ending(pod);
  if (ending === 'Ready') return (pod.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
  return pod.status?.phase === ending;
}

const PLURALS: Readonly<Record<string, string>> = { Pod: 'pods', ConfigMap: 'configmaps', Secret: 'secrets', Service: 'services', ServiceAccount: 'serviceaccounts' };

async function make(api: Api, base: string, object: object, path?: string): Promise<void> {
  const { kind, metadata } = object as { kind: string; metadata: { name: string } };
  if (kind === 'RuntimeClass') {
    await api.send('DELETE', `/apis/node.k8s.io/v1/runtimeclasses/${metadata.name}`); // of another round: it is of no namespace
    return void await api.json('POST', '/apis/node.k8s.io/v1/runtimeclasses', { body: object });
  }
  await api.json('POST', `${base}/${path ?? PLURALS[kind] ?? kind}`, { body: object });
}
