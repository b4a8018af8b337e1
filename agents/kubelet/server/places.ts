// Which paths the kubelet's API has, and by which methods. There are two sorts, as upstream's: pages stand at one path and answer any method;
// services take what is below a path, and say what they are not asked in their own words. What is at neither is not there, whoever asks.
import type { KubeletConfiguration } from '../configuration/configuration.ts';

export interface Problem {
  code: number;
  text: string;
  headers?: Readonly<Record<string, string>>;
}

export interface FoundPlace {
  name: string;
  parts: readonly string[];
}
/** `problem`: for those who may ask; `refused`: for everyone. */
export type Place = (FoundPlace & { problem?: Problem }) | { refused: Problem };

type Settings = Pick<KubeletConfiguration, 'enableDebuggingHandlers' | 'enableSystemLogHandler'>;

interface Service {
  methods: readonly string[];
  fits(parts: readonly string[]): boolean;
}

const parts = (...counts: number[]) => (found: readonly string[]): boolean => counts.includes(found.length);

/** Those whose name ends with a slash are not at their path without it. */
const SERVICES: Readonly<Record<string, Service>> = {
  pods: { methods: ['GET'], fits: parts(0) },
  'runningpods/': { methods: ['GET'], fits: parts(0) },
  'stats/': { methods: ['GET', 'POST'], fits: (found) => found.join('/') === 'summary' },
  run: { methods: ['POST'], fits: parts(3, 4) },
  exec: { methods: ['GET', 'POST'], fits: parts(3, 4) },
  attach: { methods: ['GET', 'POST'], fits: parts(3, 4) },
  portForward: { methods: ['GET', 'POST'], fits: parts(2, 3) },
  containerLogs: { methods: ['GET'], fits: parts(3) },
  'logs/': { methods: ['GET'], fits: () => true },
  'checkpoint/': { methods: ['POST'], fits: parts(3) },
  localVolumes: { methods: ['PUT', 'DELETE'], fits: parts(0, 1) },
};
const DEBUG_PAGES: readonly string[] = ['configz', 'statusz', 'flagz', 'debug/flags/v'];
const PAGES: ReadonlySet<string> = new Set(['healthz', 'healthz/ping', 'healthz/log', 'healthz/syncloop', 'healthz/device-plugin', 'metrics', 'metrics/cadvisor', 'metrics/resource', 'metrics/probes', 'metrics/slis', ...DEBUG_PAGES]);
/** What a node's owner turns off with enableDebuggingHandlers is told so, or is not there at all. */
const TURNED_OFF: ReadonlySet<string> = new Set(['run', 'exec', 'attach', 'portForward', 'containerLogs', 'runningpods/', 'logs/', 'debug/pprof/']);
const NOT_THERE: ReadonlySet<string> = new Set([...DEBUG_PAGES, 'checkpoint/']);
const NAMES = [...Object.keys(SERVICES), 'debug/pprof/'];

/** `raw` as it was sent, without its query; `path` with its dots resolved. */
export function placeOf({ raw, path, method }: { raw: string; path: string; method: string }, settings: Settings): Place {
  const clean = path.replace(/\/{2,}/g, '/');
  if (clean !== path || /\/\.{1,2}(\/|$)/.test(raw)) return { refused: redirect(clean) };
  const word = clean.slice(1);
  const hidden = (name: string): boolean => !settings.enableDebuggingHandlers && NOT_THERE.has(name);
  if (PAGES.has(word) && !hidden(word)) return pageAt(word);
  const name = NAMES.find((one) => word === one || word.startsWith(one.endsWith('/') ? one : `${one}/`));
  if (name === undefined) return { refused: NAMES.includes(`${word}/`) && !hidden(`${word}/`) ? redirect(`${clean}/`) : { code: 404, text: '404 page not found\n' } };
  if (hidden(name)) return { refused: { code: 404, text: '404 page not found\n' } };
  return serviceAt({ name, below: word.slice(name.length), method }, settings);
}

function pageAt(name: string): Place {
  return { name, parts: [], ...(name === 'debug/flags/v' && { problem: { code: 405, text: 'flags endpoint is disabled.\n' } }) };
}

function serviceAt({ name, below, method }: { name: string; below: string; method: string }, settings: Settings): Place {
  const found = { name: name.replace(/\/$/, ''), parts: below.split('/').filter((part) => part !== '').map(decoded) };
  if (!settings.enableDebuggingHandlers && TURNED_OFF.has(name)) return { ...found, problem: { code: 405, text: 'Debug endpoints are disabled.\n' } };
  if (name === 'logs/' && !settings.enableSystemLogHandler) return { ...found, problem: { code: 405, text: 'logs endpoint is disabled.\n' } };
  const service = SERVICES[name];
  if (service === undefined) return { ...found, problem: { code: 405, text: 'profiling endpoint is disabled.\n' } };
  if (!service.fits(found.parts)) return { ...found, problem: { code: 404, text: '404: Page Not Found' } };
  return service.methods.includes(method) ? found : { ...found, problem: { code: 405, text: '405: Method Not Allowed', headers: { allow: service.methods.join(', ') } } };
}

function redirect(to: string): Problem {
  return { code: 307, text: `<a href="${to.replaceAll('&', '&amp;').replaceAll('"', '&#34;')}">Temporary Redirect</a>.\n\n`, headers: { location: to, 'content-type': 'text/html; charset=utf-8' } };
}

/** A name that is badly encoded is no name that there is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
