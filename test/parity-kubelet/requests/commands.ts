// Commands in containers and connections to pods: what is refused before a stream begins, and what is upgraded.
import { get, post, type Row } from '../row.ts';

const SPDY = { connection: 'Upgrade', upgrade: 'SPDY/3.1' };
const spdy = (protocols?: string): Record<string, string> => ({ ...SPDY, ...(protocols !== undefined && { 'x-stream-protocol-version': protocols }) });
const exec = '/exec/{ns}/main/shell';
const targets = (kind: string, query: string): Row[] => [
  [`/${kind}/{ns}/nothing/shell`, 'no pod'], [`/${kind}/nothing/main/shell`, 'no namespace'], [`/${kind}/{ns}/main/nothing`, 'no container'], [`/${kind}/{ns}/waiting/shell`, 'a container that waits'], [`/${kind}/{ns}/done/shell`, 'a container that ended'], [`/${kind}/{ns}/init/shell`, 'a container before its time'],
  [`/${kind}/{ns}/main/{uid}/nothing`, 'no container, by uid'], [`/${kind}/{ns}/main/00000000-0000-0000-0000-000000000000/shell`, 'another uid'],
].map(([path = '', what = '']) => post(`${kind} in ${what}`, `${path}?${query}`, { headers: spdy('v4.channel.k8s.io') }));

export const COMMAND_ROWS: readonly Row[] = [
  ...targets('exec', 'command=true&output=1'), ...targets('attach', 'output=1'),
  ...['exec', 'attach'].flatMap((kind) => [
    get(`${kind} without an upgrade`, `/${kind}/{ns}/main/shell?command=true&output=1`), post(`${kind} by post without an upgrade`, `/${kind}/{ns}/main/shell?command=true&output=1`), post(`${kind} with no stream`, `/${kind}/{ns}/main/shell?command=true`, { headers: spdy('v4.channel.k8s.io') }),
    post(`${kind} with no stream in no pod`, `/${kind}/{ns}/nothing/shell?command=true`, { headers: spdy('v4.channel.k8s.io') }), post(`${kind} with an upgrade to something else`, `/${kind}/{ns}/main/shell?command=true&output=1`, { headers: { connection: 'Upgrade', upgrade: 'h2c' } }),
    post(`${kind} with stderr and a terminal`, `/${kind}/{ns}/main/terminal?command=true&error=1&tty=1`, { headers: spdy('v4.channel.k8s.io') }), post(`${kind} by words of the API`, `/${kind}/{ns}/main/shell?command=true&stdout=true`, { headers: spdy('v4.channel.k8s.io') }),
    post(`${kind} with output=true`, `/${kind}/{ns}/main/shell?command=true&output=true`, { headers: spdy('v4.channel.k8s.io') }), ...['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io', 'v5.channel.k8s.io, v4.channel.k8s.io', 'v1.channel.k8s.io, v2.channel.k8s.io'].map((protocols) => post(`${kind} over SPDY as ${protocols}`, `/${kind}/{ns}/main/shell?command=true&output=1`, { headers: spdy(protocols) })),
    post(`${kind} over SPDY as nonsense`, `/${kind}/{ns}/main/shell?command=true&output=1`, { headers: spdy('nonsense.k8s.io') }), post(`${kind} over SPDY without a version`, `/${kind}/{ns}/main/shell?command=true&output=1`, { headers: spdy() }),
  ]),
  post('exec by uid', '/exec/{ns}/main/{uid}/shell?command=true&output=1', { headers: spdy('v4.channel.k8s.io') }), post('exec without a command', `${exec}?output=1`, { headers: spdy('v4.channel.k8s.io') }), post('exec with stdin asked for in two ways', `${exec}?command=cat&input=1&stdin=true`, { headers: spdy('v4.channel.k8s.io') }),
  get('forward without an upgrade', '/portForward/{ns}/main'), post('forward over SPDY', '/portForward/{ns}/main', { headers: spdy('portforward.k8s.io') }), post('forward over SPDY by uid', '/portForward/{ns}/main/{uid}', { headers: spdy('portforward.k8s.io') }), post('forward over SPDY as nonsense', '/portForward/{ns}/main', { headers: spdy('nonsense.k8s.io') }),
  post('forward over SPDY without a version', '/portForward/{ns}/main', { headers: spdy() }), post('forward to no pod', '/portForward/{ns}/nothing', { headers: spdy('portforward.k8s.io') }), post('forward by another uid', '/portForward/{ns}/main/00000000-0000-0000-0000-000000000000', { headers: spdy('portforward.k8s.io') }),
  post('forward to one that ended', '/portForward/{ns}/done', { headers: spdy('portforward.k8s.io') }), post('forward to a bad port', '/portForward/{ns}/main?port=x', { headers: spdy('portforward.k8s.io') }), post('forward to port 0', '/portForward/{ns}/main?port=0', { headers: spdy('portforward.k8s.io') }), post('forward to a port too high', '/portForward/{ns}/main?port=65536', { headers: spdy('portforward.k8s.io') }),
  post('run', '/run/{ns}/main/shell?cmd=echo%20hello'), post('run by uid', '/run/{ns}/main/{uid}/shell?cmd=echo%20hello'), post('run of nothing', '/run/{ns}/main/shell'), post('run that fails', '/run/{ns}/main/shell?cmd=ls%20/nothing'), post('run that is not there', '/run/{ns}/main/shell?cmd=nothing'), post('run with output and failure', '/run/{ns}/main/shell?cmd=ls%20/www%20/etc/hostname'),
  post('run with nothing to say', '/run/{ns}/main/shell?cmd=true'), post('run in no pod', '/run/{ns}/nothing/shell?cmd=true'), post('run in no container', '/run/{ns}/main/nothing?cmd=true'), post('run in one that ended', '/run/{ns}/done/shell?cmd=true'), post('run in one that waits', '/run/{ns}/waiting/shell?cmd=true'), post('run by another uid', '/run/{ns}/main/00000000-0000-0000-0000-000000000000/shell?cmd=true'), get('run by get', '/run/{ns}/main/shell?cmd=true'),
  post('run with a form', '/run/{ns}/main/shell', { body: 'cmd=echo%20form', headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
  post('checkpoint of no pod', '/checkpoint/{ns}/nothing/shell'), post('checkpoint of no container', '/checkpoint/{ns}/main/nothing'), post('checkpoint for no time', '/checkpoint/{ns}/main/shell?timeout=x'), get('checkpoint by get', '/checkpoint/{ns}/main/shell'),
];
