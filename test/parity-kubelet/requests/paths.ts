// Which paths there are, by which methods, and what is said of others.
import { get, post, type Row } from '../row.ts';

const PATHS = ['/', '/healthz', '/healthz/', '/healthz/ping', '/healthz/log', '/healthz/syncloop', '/healthz/nothing', '/healthz?verbose', '/healthz?verbose&exclude=ping', '/healthz?exclude=nothing', '/healthz/ping?verbose', '/readyz', '/livez', '/nothing', '/pods/nothing',
  '/runningpods', '/metrics/', '/metrics/nothing', '/stats', '/stats/', '/stats/container', '/spec', '/spec/', '/configz/', '/statusz/', '/flagz/', '/logs', '/debug', '/debug/', '/debug/pprof', '/debug/flags/v', '/localVolumes', '/run', '/run/', '/run/{ns}', '/run/{ns}/main/shell', '/exec', '/exec/', '/exec/{ns}', '/exec/{ns}/main', '/exec/a/b/c/d/e', '/attach',
  '/attach/{ns}/main', '/portForward', '/portForward/{ns}', '/portForward/{ns}/main/{uid}/more', '/portforward/{ns}/main', '/containerLogs', '/containerLogs/{ns}', '/containerLogs/{ns}/main', '/containerLogs/{ns}/main/shell/more', '/checkpoint', '/checkpoint/', '/checkpoint/{ns}/main/shell', '/version', '/api', '//pods', '/pods/../healthz', '/./healthz'];
const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];
const KNOWN = ['/healthz', '/healthz/ping', '/pods', '/runningpods/', '/metrics', '/metrics/cadvisor', '/metrics/resource', '/metrics/probes', '/stats/summary', '/configz', '/logs/', '/containerLogs/{ns}/main/shell', '/run/{ns}/main/shell', '/exec/{ns}/main/shell', '/attach/{ns}/main/shell', '/portForward/{ns}/main', '/checkpoint/{ns}/main/shell', '/statusz', '/flagz', '/nothing'];

export const PATH_ROWS: readonly Row[] = [
  ...PATHS.map((path) => get(`get ${path}`, path)),
  ...KNOWN.flatMap((path) => METHODS.map((method): Row => ({ name: `${method.toLowerCase()} ${path}`, method, path, part: 'refusal', ...(['POST', 'PUT', 'PATCH'].includes(method) && { body: '' }) }))),
  get('pods with a slash', '/pods/', { part: 'refusal' }), get('an unknown path without a name', '/nothing', { as: 'anonymous' }), get('an unknown path below one that is known, without a name', '/stats/nothing', { as: 'anonymous' }),
  post('a verbose check by post', '/healthz?verbose'),
];
