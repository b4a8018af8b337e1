// What is asked of a container's log, read as upstream's kubelet reads PodLogOptions of a query, and told in its few words where it cannot be
// read or makes no sense. Pure. `stream` works here; upstream has it behind a gate that is off.
import type { LogOptions } from '../logs/log-reader.ts';
import type { Problem } from './places.ts';

export interface LogQuery {
  options: LogOptions;
  follow: boolean;
  previous: boolean;
}

const STREAMS: readonly string[] = ['All', 'Stdout', 'Stderr'];
const INTEGER_MAX = 2n ** 63n - 1n;

export function readLogQuery(query: URLSearchParams, now: number): LogQuery | Problem {
  const integers = [tailOf(query), query.get('limitBytes'), query.get('sinceSeconds')];
  const sinceTime = query.get('sinceTime') ?? '';
  if (!integers.every((text) => text === null || isInteger(text)) || (sinceTime !== '' && !isTime(sinceTime))) return { code: 400, text: '{"message": "Unable to decode query."}' };
  const [tailLines, limitBytes, sinceSeconds] = integers.map((text) => (text === null ? undefined : Number(text)));
  const stream = query.get('stream') ?? 'All';
  const senseless = (tailLines ?? 0) < 0 || (limitBytes ?? 1) < 1 || (sinceSeconds ?? 1) < 1 || (sinceSeconds !== undefined && sinceTime !== '') || !STREAMS.includes(stream) || (stream !== 'All' && tailLines !== undefined);
  if (senseless) return { code: 422, text: '{"message": "Invalid request."}' };
  const sinceMs = sinceSeconds !== undefined ? now - sinceSeconds * 1000 : sinceTime === '' ? undefined : Date.parse(sinceTime);
  return {
    follow: isSet(query, 'follow'), previous: isSet(query, 'previous'),
    options: {
      timestamps: isSet(query, 'timestamps'), ...(tailLines !== undefined && { tailLines }), ...(limitBytes !== undefined && { limitBytes }), ...(sinceMs !== undefined && { sinceMs }),
      ...(stream !== 'All' && { stream: stream === 'Stdout' ? 'stdout' as const : 'stderr' as const }),
    },
  };
}

/** `tail` is the old word, and has its own for everything. */
function tailOf(query: URLSearchParams): string | null {
  const tail = query.get('tail') ?? '';
  if (tail === '') return query.get('tailLines');
  return tail === 'all' ? null : tail;
}

function isInteger(text: string): boolean {
  if (!/^[+-]?\d+$/.test(text)) return false;
  const value = BigInt(text.replace('+', ''));
  return value <= INTEGER_MAX && value >= -INTEGER_MAX - 1n;
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** Whatever is said but `false` and `0`. */
function isSet(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && !['false', '0'].includes(value.toLowerCase());
}
