// Structured logs to stderr, as text or JSON lines. Lower layers do not log: they throw; the exits (responder, runner, command line) do.
import type { Clock } from './clock.ts';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFields = Record<string, unknown>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with these fields on every line. */
  with(fields: LogFields): Log;
}

export interface LogOptions {
  level: LogLevel;
  format: 'text' | 'json';
  clock: Clock;
  write: (line: string) => void;
}

export function createLog(options: LogOptions, bound: LogFields = {}): Log {
  const threshold = LOG_LEVELS.indexOf(options.level);
  const at = (level: LogLevel) => (message: string, fields: LogFields = {}): void => {
    if (LOG_LEVELS.indexOf(level) < threshold) return;
    const time = new Date(options.clock.now()).toISOString();
    const all = { ...bound, ...fields };
    options.write(options.format === 'json' ? `${JSON.stringify({ time, level, message, ...all }, errorsAsText)}\n` : `${time} ${level.toUpperCase().padEnd(5)} ${message}${textOf(all)}\n`);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), with: (fields) => createLog(options, { ...bound, ...fields }) };
}

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, with: () => silentLog };

function textOf(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${typeof value === 'string' && /^[\w./:@-]+$/.test(value) ? value : (JSON.stringify(errorsAsText(key, value)) ?? '')}`)
    .join('');
}

function errorsAsText(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}
