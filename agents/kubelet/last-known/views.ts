// Views that remember: what they showed last is kept on disk, so that an agent that boots while its server is away knows its pods, Services and
// endpoints. While the server answers, the views behind are shown and nothing here is read.
//
//   waiting ──views behind synced──► live ◄──────────────┐     live: changes are saved, pods soon, the rest a minute later
//      └──2 s, and there is a file──► remembered ──synced──┘     what the server no longer has is told as DELETED then
import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { Clock, Timer } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { readFileIfThere, writeFileAtomically } from '../../../internal/base/files.ts';
import type { Log } from '../../../internal/base/log.ts';
import { readJson } from '../../../internal/api/large-integers.ts';
import type { KubeObject } from '../../../internal/api/meta.ts';
import type { Resource } from '../../../internal/api/request.ts';
import type { View, ViewChange, ViewScope, Views } from '../../../internal/informer/view.ts';

export interface RememberOptions {
  directory: string;
  clock: Clock;
  log: Log;
}

const PATIENCE_MS = 2_000;
const SAVE_PODS_MS = 1_000;
const SAVE_MS = 60_000;

export interface RememberedViews extends Views {
  /** Keeps what has changed since it was kept last: before the process ends. */
  save(): void;
}

export function rememberViews(views: Views, options: RememberOptions): RememberedViews {
  const made = new Map<string, Remembered>();
  return {
    save: () => made.forEach(({ save }) => save()),
    of<T extends KubeObject>(resource: Resource<T>, scope: ViewScope = {}) {
      const key = JSON.stringify([resource.group, resource.resource, scope.namespace ?? '', scope.fieldSelector ?? '']);
      let remembered = made.get(key);
      if (remembered === undefined) made.set(key, (remembered = remember(views.of(resource, scope) as unknown as View, fileOf(resource as Resource, key, options), options)));
      return remembered.view as unknown as View<T>;
    },
  };
}

interface Kept {
  path: string;
  isPods: boolean;
  isNodes: boolean;
}

function fileOf({ group, resource }: Resource, key: string, { directory }: RememberOptions): Kept {
  const name = hash('sha256', key).slice(0, 8);
  return { path: join(directory, `${resource}${group === '' ? '' : `.${group}`}-${name}.json`), isPods: group === '' && resource === 'pods', isNodes: group === '' && resource === 'nodes' };
}

type Listener = (change: ViewChange) => void;

interface Remembered {
  view: View;
  save(): void;
}

function remember(behind: View, kept: Kept, { clock, log }: RememberOptions): Remembered {
  const shown = Promise.withResolvers<void>();
  const listeners = new Map<Listener, Map<string, KubeObject>>();
  let remembered: Map<string, KubeObject> | undefined;
  let live = false;
  let saving: Timer | undefined;
  /** Hash of the file's text. */
  let saved = '';

  const patience = clock.setTimer(PATIENCE_MS, () => {
    const objects = live ? undefined : load(kept.path, log);
    if (objects === undefined) return;
    remembered = new Map(objects.map((object) => [keyOf(object), object]));
    log.info('going on with what was known last, as the server is away', { file: kept.path, objects: objects.length });
    for (const listener of listeners.keys()) recall(listener);
    shown.resolve();
  });
  void behind.synced.then(() => {
    live = true;
    remembered = undefined;
    patience.cancel();
    shown.resolve();
    for (const [listener, left] of listeners) {
      for (const object of left.values()) listener({ type: 'DELETED', object });
      left.clear();
    }
    // Once soon, so that there is a file also of what never changes.
    saving = clock.setTimer(SAVE_PODS_MS, save);
    behind.subscribe(() => { saving ??= clock.setTimer(kept.isPods ? SAVE_PODS_MS : SAVE_MS, save); });
  });

  function recall(listener: Listener): void {
    const left = listeners.get(listener);
    for (const [key, object] of remembered ?? []) {
      if (left?.has(key) === true) continue;
      left?.set(key, object);
      listener({ type: 'ADDED', object });
    }
  }

  function save(): void {
    saving?.cancel();
    saving = undefined;
    if (!live) return;
    const text = JSON.stringify(behind.list(), kept.isNodes ? withoutHeartbeats : withoutManagers);
    const hash = hashOf(text);
    if (saved === '') saved = hashOf(readFileIfThere(kept.path) ?? '');
    if (hash === saved) return;
    try {
      writeFileAtomically(kept.path, text, { mode: 0o600 });
      saved = hash;
    } catch (error) {
      log.warn('what is known could not be kept', { file: kept.path, error: messageOf(error) });
    }
  }

  const view: View = {
    synced: shown.promise,
    get revision() {
      return behind.revision;
    },
    ...(behind.reached !== undefined && { reached: (revision: number) => behind.reached?.(revision) ?? Promise.resolve() }),
    get: (namespace, name) => (remembered === undefined ? behind.get(namespace, name) : remembered.get(`${namespace}/${name}`)),
    list: (namespace) => (remembered === undefined ? behind.list(namespace) : [...remembered.values()].filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)),
    by: (index, value) => (remembered === undefined ? behind.by(index, value) : [...remembered.values()].filter((object) => index.values(object).includes(value))),
    subscribe(listener) {
      if (live) return behind.subscribe(listener);
      const left = new Map<string, KubeObject>();
      listeners.set(listener, left);
      recall(listener);
      const end = behind.subscribe((change) => {
        const before = left.get(keyOf(change.object));
        left.delete(keyOf(change.object));
        if (change.type !== 'ADDED' || before === undefined) return listener(change);
        if (before.metadata.resourceVersion !== change.object.metadata.resourceVersion) listener({ type: 'MODIFIED', object: change.object, previous: before });
      });
      return () => {
        listeners.delete(listener);
        end();
      };
    },
  };
  return { view, save };
}

function hashOf(text: string): string {
  return hash('sha256', text, 'base64');
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function load(path: string, log: Log): KubeObject[] | undefined {
  try {
    const text = readFileIfThere(path);
    return text === undefined ? undefined : (readJson(text) as KubeObject[]);
  } catch (error) {
    log.warn('what was known last cannot be read', { file: path, error: messageOf(error) });
    return undefined;
  }
}

function withoutManagers(key: string, value: unknown): unknown {
  return key === 'managedFields' ? undefined : value;
}

/** A node's heartbeat alone is no reason to write. */
function withoutHeartbeats(key: string, value: unknown): unknown {
  return key === 'managedFields' || key === 'lastHeartbeatTime' ? undefined : key === 'resourceVersion' ? '0' : value;
}
