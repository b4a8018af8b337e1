// /healthz, /livez and /readyz: checks by name, all of them or one; `verbose` lists them, `exclude` leaves some out (upstream: server/healthz). What they
// found last, and how often, are the metrics of /metrics/slis.
import { messageOf } from '../base/errors.ts';
import { textPayload, type Payload } from './respond.ts';

/** A named check; throws or gives a text when it fails. */
export interface HealthCheck {
  name: string;
  check(): string | undefined | Promise<string | undefined>;
}

export interface Health {
  /** undefined: no such check. */
  serve(path: string, query: URLSearchParams | undefined): Promise<Payload | undefined>;
  /** In Prometheus' text. */
  metrics(): string;
}

const PING: HealthCheck = { name: 'ping', check: () => undefined };
/** Probes ask by upstream's name for the store. It is in this process: while we answer, it does. */
const STORE: HealthCheck = { name: 'etcd', check: () => undefined };

/** `readiness`: what must hold for /healthz and /readyz; /livez leaves them out. */
export function createHealth(readiness: readonly HealthCheck[]): Health {
  const seen = new Map<string, { name: string; type: string; isHealthy: boolean; successes: number; errors: number }>();
  const note = (type: string, { name, failure }: Result): void => {
    const key = `${name} ${type}`;
    const before = seen.get(key) ?? { successes: 0, errors: 0 };
    const isHealthy = failure === undefined;
    seen.set(key, { name, type, isHealthy, successes: before.successes + (isHealthy ? 1 : 0), errors: before.errors + (isHealthy ? 0 : 1) });
  };
  return {
    async serve(path, query) {
      const [, root = '', ...rest] = path.split('/');
      const all = [PING, STORE, ...(root === 'livez' ? [] : readiness)];
      const one = rest.join('/');
      if (rest.length > 0) return single(all.find(({ name }) => name === one));
      const excluded = query?.getAll('exclude') ?? [];
      const results = await Promise.all(all.map(async (check): Promise<Result> => (excluded.includes(check.name) ? { name: check.name, excluded: true } : resultOf(check))));
      for (const result of results) if (!result.excluded) note(root, result);
      return whole(root, results, { unknown: [...new Set(excluded)].filter((name) => !all.some((check) => check.name === name)).sort(), isVerbose: query?.has('verbose') === true });
    },
    metrics: () => metricsText([...seen.values()]),
  };
}

interface Result {
  name: string;
  failure?: string | undefined;
  excluded?: boolean;
}

async function resultOf({ name, check }: HealthCheck): Promise<Result> {
  try {
    return { name, failure: await check() };
  } catch (error) {
    return { name, failure: messageOf(error) };
  }
}

async function single(check: HealthCheck | undefined): Promise<Payload | undefined> {
  if (check === undefined) return undefined;
  const { failure } = await resultOf(check);
  return failure === undefined ? textPayload(200, 'ok') : textPayload(500, `internal server error: ${failure}\n`);
}

function whole(root: string, results: readonly Result[], { unknown, isVerbose }: { unknown: readonly string[]; isVerbose: boolean }): Payload {
  const isFailed = results.some(({ failure }) => failure !== undefined);
  if (!isFailed && !isVerbose) return textPayload(200, 'ok');
  const lines = results.map(({ name, failure, excluded = false }) => (excluded ? `[+]${name} excluded: ok` : failure === undefined ? `[+]${name} ok` : `[-]${name} failed: reason withheld`));
  if (unknown.length > 0) lines.push(`warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(',')}`);
  return textPayload(isFailed ? 500 : 200, `${lines.join('\n')}\n${root} check ${isFailed ? 'failed' : 'passed'}\n`);
}

function metricsText(all: readonly { name: string; type: string; isHealthy: boolean; successes: number; errors: number }[]): string {
  const sorted = all.toSorted((a, b) => (`${a.name} ${a.type}` < `${b.name} ${b.type}` ? -1 : 1));
  const totals = sorted.flatMap(({ name, type, successes, errors }) => [['error', errors] as const, ['success', successes] as const].filter(([, count]) => count > 0).map(([status, count]) => `kubernetes_healthchecks_total{name="${name}",status="${status}",type="${type}"} ${String(count)}`));
  return [
    '# HELP kubernetes_healthcheck [STABLE] What the last look at a single health check found.', '# TYPE kubernetes_healthcheck gauge',
    ...sorted.map(({ name, type, isHealthy }) => `kubernetes_healthcheck{name="${name}",type="${type}"} ${isHealthy ? '1' : '0'}`),
    '# HELP kubernetes_healthchecks_total [STABLE] Results of all looks at health checks.', '# TYPE kubernetes_healthchecks_total counter',
    ...totals, '',
  ].join('\n');
}
