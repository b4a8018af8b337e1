// Where manifests of static pods come from: a folder (or one file) that is watched, or a URL that is asked now and then. A source that cannot be
// read for once leaves what it said before.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Timer } from '../../internal/base/clock.ts';
import { messageOf } from '../../internal/base/errors.ts';
import { formatTime } from '../../internal/api/meta.ts';
import { parseYaml } from '../../internal/api/yaml.ts';
import type { Pod } from '../../internal/kinds/generated/api-types.ts';
import type { NodeContext } from './node-context.ts';
import { CONFIG_HASH, CONFIG_SEEN, CONFIG_SOURCE } from './pod-spec.ts';

export interface StaticSource {
  /** Tells when there may be something new; not of what is there at the start. */
  start(changed: () => void): void;
  /** As the manifests say, named and owned by this node; nothing the API server would fill in. Undefined: not known yet, so nothing is to be ended for it. */
  read(): Promise<Pod[] | undefined>;
  stop(): void;
}

type SourceContext = Pick<NodeContext, 'clock' | 'log' | 'nodeName'>;

const SETTLE_MS = 200;

export function createFileSource(path: string, { clock, log, nodeName }: SourceContext): StaticSource {
  let watcher: FSWatcher | undefined;
  let timer: Timer | undefined;
  const isFile = (): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  const files = (): string[] => {
    if (isFile()) return [path];
    if (!existsSync(path)) return [];
    return readdirSync(path).filter((name) => !name.startsWith('.')).map((name) => join(path, name)).filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true).sort();
  };
  return {
    start(changed) {
      const single = isFile();
      if (!single) mkdirSync(path, { recursive: true, mode: 0o750 });
      // An editor writes in several steps: looked at when it has been quiet.
      watcher = watch(single ? dirname(path) : path, { persistent: false }, (_event, name) => {
        if (single && name !== basename(path)) return;
        timer?.cancel();
        timer = clock.setTimer(SETTLE_MS, changed);
      });
      watcher.on('error', (error) => log.warn('static pods are not watched any more', { path, error: messageOf(error) }));
    },
    read: () => Promise.resolve(files().flatMap((file) => {
      try {
        return [staticPod(parseYaml(readFileSync(file, 'utf8')), { from: file, source: 'file', nodeName, seen: clock.now() })];
      } catch (error) {
        log.warn('static pod could not be read', { file, error: messageOf(error) });
        return [];
      }
    })),
    stop() {
      watcher?.close();
      timer?.cancel();
    },
  };
}

export interface UrlSourceOptions {
  url: string;
  headers: Readonly<Record<string, readonly string[]>>;
  everyMs: number;
}

const TIMEOUT_MS = 10_000;

/** Gives a Pod, or a list of Pods. */
export function createUrlSource({ url, headers, everyMs }: UrlSourceOptions, { clock, log, nodeName }: SourceContext): StaticSource {
  let timer: Timer | undefined;
  let known: Pod[] | undefined;
  return {
    start(changed) {
      const again = (): void => {
        timer = clock.setTimer(everyMs, () => {
          changed();
          again();
        });
      };
      again();
    },
    async read() {
      try {
        const response = await fetch(url, { headers: Object.entries(headers).flatMap(([name, values]) => values.map((value): [string, string] => [name, value])), signal: AbortSignal.timeout(TIMEOUT_MS) });
        const text = await response.text();
        if (!response.ok) throw new Error(`${url}: ${String(response.status)} ${response.statusText}`);
        if (text === '') log.warn('static pods: zero-length data received', { url });
        const parsed = (text === '' ? { kind: 'List' } : parseYaml(text)) as { kind?: string; items?: unknown[] } | undefined;
        known = (parsed?.kind === 'PodList' || parsed?.kind === 'List' ? parsed.items ?? [] : [parsed]).map((item) => staticPod(item, { from: url, source: 'http', nodeName, seen: clock.now() }));
      } catch (error) {
        log.warn('static pods could not be fetched', { url, error: messageOf(error) });
      }
      return known;
    },
    stop: () => timer?.cancel(),
  };
}

/** The same pod in other words (comments, order of files) is the same pod. */
function staticPod(parsed: unknown, { from, source, nodeName, seen }: { from: string; source: 'file' | 'http'; nodeName: string; seen: number }): Pod {
  const pod = parsed as Partial<Pod> | undefined;
  if (pod?.kind !== 'Pod' || pod.spec === undefined || pod.metadata === undefined) throw new Error('it is not a Pod');
  if (pod.metadata.name === undefined || pod.metadata.name === '') throw new Error('name is needed for the pod');
  const uid = pod.metadata.uid ?? createHash('sha256').update(JSON.stringify(parsed)).update(`${nodeName} ${from}`).digest('hex').slice(0, 32);
  const { metadata, spec } = pod;
  return {
    ...pod as Pod,
    metadata: { ...metadata, uid, generation: 1, resourceVersion: '0', name: `${metadata.name}-${nodeName.toLowerCase()}`, namespace: metadata.namespace ?? 'default', annotations: { ...metadata.annotations, [CONFIG_HASH]: uid, [CONFIG_SOURCE]: source, [CONFIG_SEEN]: formatTime(seen) } },
    // Only those of files stay whatever is wrong with the node.
    spec: { ...spec, nodeName, ...(source === 'file' && { tolerations: [...(spec.tolerations ?? []), { operator: 'Exists' as const, effect: 'NoExecute' as const }] }) },
    status: { phase: 'Pending' },
  };
}
