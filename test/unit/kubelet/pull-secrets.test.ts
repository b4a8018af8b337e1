// Which entry of a pod's pull secrets is used for which image, as upstream chooses.
import t from 'tap';
import { credentialsIn } from '../../../agents/kubelet/pulling/pull-secrets.ts';

const auth = (user: string, password = 'p'): string => Buffer.from(`${user}:${password}`).toString('base64');
const config = (auths: Record<string, object>): string => JSON.stringify({ auths });
const users = (image: string, ...texts: string[]): string[] => credentialsIn(texts.map((text) => ({ text })), image).map(({ username }) => username);

t.test('hosts, ports, wildcards and paths', async (t) => {
  const text = config({
    'https://index.docker.io/v1/': { auth: auth('hub') }, 'reg.example.com': { auth: auth('host') }, 'reg.example.com/team': { auth: auth('team') },
    'reg.example.com:5000': { auth: auth('port') }, '*.example.org': { auth: auth('glob') }, 'http://plain.example.net/v2/': { username: 'plain', password: 'p' },
  });
  t.same(users('nginx', text), ['hub']);
  t.same(users('index.docker.io/me/app:1', text), ['hub']);
  t.same(users('reg.example.com/app', text), ['host']);
  t.same(users('reg.example.com/team/app@sha256:' + 'a'.repeat(64), text), ['team', 'host'], 'the longest name first');
  t.same(users('reg.example.com:5000/team/app', text), ['port']);
  t.same(users('a.example.org/app', text), ['glob']);
  t.same(users('a.b.example.org/app', text), [], 'a wildcard stands within one part');
  t.same(users('plain.example.net/app', text), ['plain']);
  t.same(users('other.example.com/app', text), []);
  t.same(users('nginx', config({ 'docker.io': { auth: auth('short') } })), ['short']);
});

t.test('several secrets, old ones, and such as cannot be read', async (t) => {
  const old = JSON.stringify({ 'reg.example.com': { username: 'old', password: 'p', email: 'x' } });
  t.same(users('reg.example.com/app', config({ 'reg.example.com': { auth: auth('one') } }), 'not json', 'null', '[]', old), ['one', 'old']);
  t.match(credentialsIn([{ text: config({ 'reg.example.com': { auth: auth('u', 'a:b'), username: 'other', password: 'other' } }) }], 'reg.example.com/app'), [{ username: 'u', password: 'a:b' }], '`auth` goes before the others; a password may have colons');
  t.same(users('reg.example.com/app', config({ 'reg.example.com': { auth: '' }, 'https://': { auth: auth('none') } })), []);
});
