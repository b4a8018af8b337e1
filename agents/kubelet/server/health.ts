// /healthz and its checks, and what /metrics/slis tells of them: each asks, by being answered at all, whether the process still turns; there is
// nothing else that it could stand on, as every loop here is woken and none is waited for.
import { family } from '../stats/exposition.ts';
import type { Problem } from './places.ts';

const CHECKS = ['ping', 'log', 'syncloop', 'device-plugin'] as const;

export interface Health {
  answer(which: string | undefined, query: URLSearchParams): Problem;
  metrics(): string;
}

export function createHealth(): Health {
  const asked = new Map<string, number>();
  return {
    answer(which, query) {
      if (which !== undefined) {
        asked.set(which, (asked.get(which) ?? 0) + 1);
        return { code: 200, text: 'ok' };
      }
      const excluded = new Set(query.getAll('exclude').flatMap((names) => names.split(',')));
      const lines = CHECKS.map((name) => {
        if (excluded.has(name)) return `[+]${name} excluded: ok\n`;
        asked.set(name, (asked.get(name) ?? 0) + 1);
        return `[+]${name} ok\n`;
      });
      return { code: 200, text: query.has('verbose') ? `${lines.join('')}healthz check passed\n` : 'ok' };
    },
    metrics() {
      const samples = [...asked].sort().map(([name, value]) => ({ name, value }));
      return family('kubernetes_healthcheck', 'gauge', '[STABLE] This metric records the result of a single healthcheck.', samples.map(({ name }) => ({ labels: { name, type: 'healthz' }, value: 1 })))
        + family('kubernetes_healthchecks_total', 'counter', '[STABLE] This metric records the results of all healthcheck.', samples.map(({ name, value }) => ({ labels: { name, status: 'success', type: 'healthz' }, value })));
    },
  };
}
