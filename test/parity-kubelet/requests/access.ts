// Who may ask for what: every grant before every path.
import { GRANTS, type Caller, type Row } from '../row.ts';

const CALLERS: readonly Caller[] = ['anonymous', 'bad-token', 'none', ...GRANTS];
const PATHS: readonly (readonly [method: string, path: string])[] = [
  ['GET', '/healthz'], ['GET', '/healthz/ping'], ['GET', '/healthz/'], ['GET', '/pods'], ['GET', '/runningpods/'], ['GET', '/runningpods'], ['GET', '/stats/summary'], ['POST', '/stats/summary'], ['GET', '/metrics'], ['GET', '/metrics/cadvisor'], ['GET', '/metrics/resource'], ['GET', '/metrics/probes'],
  ['GET', '/configz'], ['GET', '/flagz'], ['GET', '/statusz'], ['GET', '/logs/nothing'], ['GET', '/logs'], ['POST', '/checkpoint/{ns}/nothing/shell'], ['GET', '/containerLogs/{ns}/nothing/shell'], ['POST', '/run/{ns}/nothing/shell'], ['GET', '/exec/{ns}/nothing/shell?output=1'],
  ['POST', '/attach/{ns}/nothing/shell?output=1'], ['GET', '/portForward/{ns}/nothing'], ['GET', '/debug/pprof/cmdline'], ['GET', '/nothing'], ['PATCH', '/pods'], ['DELETE', '/metrics'], ['OPTIONS', '/pods'], ['HEAD', '/metrics'],
];

export const ACCESS_ROWS: readonly Row[] = PATHS.flatMap(([method, path]) => CALLERS.map((as): Row => ({ name: `${as}: ${method} ${path}`, method, path, as, part: 'refusal' })));
