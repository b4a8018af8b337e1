// Programs that know credentials of images: run for real, asked once, kept as they say, and what goes wrong with them.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { readPluginConfig, type PluginConfig, type TokenAttributes } from '../../../agents/kubelet/pulling/plugin-config.ts';
import { createCredentialPlugins, type CredentialPlugins } from '../../../agents/kubelet/pulling/plugins.ts';
import { createLog } from '../../../internal/base/log.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const VERSION = 'credentialprovider.kubelet.k8s.io/v1';
const plugin = (more: Partial<PluginConfig> = {}): PluginConfig => ({ name: 'knows', apiVersion: VERSION, matchImages: ['*.example.com'], defaultCacheDuration: '1m', ...more });
const response = (more: object = {}): string => JSON.stringify({ kind: 'CredentialProviderResponse', apiVersion: VERSION, cacheKeyType: 'Image', auth: { 'reg.example.com': { username: 'u', password: 'p' } }, ...more });

interface Scene {
  plugins: CredentialPlugins;
  clock: ReturnType<typeof createFakeClock>;
  /** What the program was asked, each time. */
  requests(): { image: string; serviceAccountToken?: string; serviceAccountAnnotations?: object }[];
  lines: string[];
  ask(image: string, pod?: Pod): Promise<string[]>;
}

/** `script`: what the program does after it has written down what it was asked. */
function scene(t: Test, script: string, { config = plugin(), annotations = {}, token = (_pod: Pod) => 'token' }: { config?: PluginConfig; annotations?: Record<string, string>; token?: (pod: Pod) => string } = {}): Scene {
  const binDir = t.testdir({ knows: `#!/bin/sh\ncat >> "$(dirname "$0")/asked"\n${script}\n`, asked: '' });
  chmodSync(join(binDir, 'knows'), 0o755);
  const clock = createFakeClock();
  const lines: string[] = [];
  const log = createLog({ level: 'error', format: 'text', clock, write: (line) => void lines.push(line) });
  const plugins = createCredentialPlugins([config], { binDir, clock, log, serviceAccount: (namespace, name) => Promise.resolve({ metadata: { name, namespace, uid: `uid-${name}`, annotations } }) as never, token: (pod) => Promise.resolve(token(pod)) });
  return {
    plugins, clock, lines,
    requests: () => readFileSync(join(binDir, 'asked'), 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as { image: string }),
    ask: async (image, pod = podOf('a')) => (await plugins.credentialsFor(pod, image)).map(({ username, password }) => `${username}:${password}`),
  };
}

function podOf(name: string, serviceAccountName: string | undefined = 'default'): Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'ns', uid: `uid-${name}` }, spec: { containers: [], ...(serviceAccountName !== '' && { serviceAccountName }) } } as unknown as Pod;
}

t.test('asked for images that it names, without tag; with its arguments and environment', async (t) => {
  const s = scene(t, `[ "$1 $WORD $HOME" = "--say word $HOME" ] && echo '${response()}'`, { config: plugin({ args: ['--say'], env: [{ name: 'WORD', value: 'word' }] }) });
  t.same(await s.ask('reg.example.com/team/app:1.2@sha256:' + 'a'.repeat(64)), ['u:p']);
  t.same(await s.ask('reg.example.org/app'), []);
  t.same(await s.ask('nginx'), []);
  t.same(s.requests(), [{ kind: 'CredentialProviderRequest', apiVersion: VERSION, image: 'reg.example.com/team/app' }]);
});

t.test('kept by image, registry or for all, as long as it says', async (t) => {
  for (const [cacheKeyType, asked] of [['Image', 3], ['Registry', 2], ['Global', 1]] as const) {
    const s = scene(t, `echo '${response({ cacheKeyType, cacheDuration: '10s', auth: { '*.example.com': { username: 'u', password: 'p' } } })}'`);
    for (const image of ['reg.example.com/a', 'reg.example.com/a', 'reg.example.com/b', 'two.example.com/a']) t.same(await s.ask(image), ['u:p'], `${cacheKeyType} ${image}`);
    t.equal(s.requests().length, asked, cacheKeyType);
    await s.clock.advance(10_001);
    await s.ask('reg.example.com/a');
    t.equal(s.requests().length, asked + 1, `${cacheKeyType}: again when it is over`);
  }
  const never = scene(t, `echo '${response({ cacheDuration: '0s' })}'`);
  await never.ask('reg.example.com/a');
  await never.ask('reg.example.com/a');
  t.equal(never.requests().length, 2, 'not at all');
  const atOnce = scene(t, `echo '${response({ cacheDuration: '0s' })}'`);
  t.same(await Promise.all([1, 2, 3].map(() => atOnce.ask('reg.example.com/a'))), [['u:p'], ['u:p'], ['u:p']]);
  t.equal(atOnce.requests().length, 1, 'several at once ask once');
});

t.test('what goes wrong is logged without what was said, and there are no credentials', async (t) => {
  for (const [script, words] of [
    ['echo secret; echo no >&2; exit 3', 'exit status 3: no'], [`echo secret`, 'error decoding credential provider plugin response from stdout'], [`echo '${response({ apiVersion: 'x/v9' })}'`, 'did not match expected apiVersion'],
    [`echo '${response({ cacheKeyType: 'Moon' })}'`, 'did not return a valid cacheKeyType: Moon'], [`echo '${response({ kind: 'Secret' })}'`, 'error decoding'],
  ] as const) {
    const s = scene(t, script);
    t.same(await s.ask('reg.example.com/a'), [], words);
    t.match(s.lines.join(''), words);
    t.notMatch(s.lines.join(''), 'secret');
  }
});

t.test('with a token of the pod\'s service account, for those alone who have it', async (t) => {
  const tokenAttributes: TokenAttributes = { serviceAccountTokenAudience: 'registry', cacheType: 'ServiceAccount', requireServiceAccount: true, requiredServiceAccountAnnotationKeys: ['example.com/id'], optionalServiceAccountAnnotationKeys: ['example.com/more'] };
  const s = scene(t, `echo '${response()}'`, { config: plugin({ tokenAttributes }), annotations: { 'example.com/id': '7', other: 'x' } });
  t.match(await s.plugins.credentialsFor(podOf('a'), 'reg.example.com/a'), [{ username: 'u', serviceAccount: { namespace: 'ns', name: 'default', uid: 'uid-default' } }]);
  t.match(s.requests(), [{ serviceAccountToken: 'token', serviceAccountAnnotations: { 'example.com/id': '7' } }]);
  await s.ask('reg.example.com/a', podOf('b'));
  t.equal(s.requests().length, 1, 'another pod of the same account');
  await s.ask('reg.example.com/a', podOf('c', 'other'));
  t.equal(s.requests().length, 2, 'another account');
  t.same(await s.ask('reg.example.com/a', podOf('static', '')), [], 'a pod without an account is not for it');
  const without = scene(t, `echo '${response()}'`, { config: plugin({ tokenAttributes }) });
  t.same([await without.ask('reg.example.com/a'), without.requests()], [[], []], 'nor is one whose account does not say so');
  const each = scene(t, `echo '${response()}'`, { config: plugin({ tokenAttributes: { ...tokenAttributes, cacheType: 'Token', requireServiceAccount: false, requiredServiceAccountAnnotationKeys: [] } }), token: ({ metadata }) => `token of ${metadata.name}` });
  for (const pod of [podOf('a'), podOf('a'), podOf('b'), podOf('static', '')]) t.same(await each.ask('reg.example.com/a', pod), ['u:p']);
  t.same(each.requests().map(({ serviceAccountToken }) => serviceAccountToken), ['token of a', 'token of b', undefined], 'kept for each token');
  const echo = scene(t, `echo '${response({ auth: { 'reg.example.com': { username: 'u', password: 'token' } } })}'`, { config: plugin({ tokenAttributes: { ...tokenAttributes, requiredServiceAccountAnnotationKeys: [] } }) });
  t.same(await echo.ask('reg.example.com/a'), []);
  t.match(echo.lines.join(''), 'returned the service account token as the password');
});

t.test('configurations: files and folders, every fault at once', (t) => {
  const config = (...providers: object[]): string => JSON.stringify({ kind: 'CredentialProviderConfig', apiVersion: 'kubelet.config.k8s.io/v1', providers });
  const folder = t.testdir({ bin: { knows: '', other: '', plain: '' }, one: { 'b.json': config(plugin()), 'a.yaml': config(plugin({ name: 'other' })), 'ignored.txt': 'x', 'sub.json': {} }, none: {}, twice: { 'a.json': config(plugin()), 'b.json': config(plugin()) } });
  const bin = join(folder, 'bin');
  for (const name of ['knows', 'other']) chmodSync(join(bin, name), 0o755);
  const write = (text: string): string => {
    writeFileSync(join(folder, 'config'), text);
    return join(folder, 'config');
  };
  t.same(readPluginConfig(join(folder, 'one'), bin).map(({ name }) => name), ['other', 'knows'], 'in the order of the files\' names');
  const refused = (path: string, words: RegExp, binDir = bin): void => void t.throws(() => readPluginConfig(path, binDir), { message: words });
  refused(join(folder, 'nothing'), /unable to access path/);
  refused(join(folder, 'one'), /plugin binary directory .* did not exist/, join(folder, 'nothing'));
  refused(join(folder, 'none'), /no configuration files found in directory/);
  refused(join(folder, 'twice'), /providers\.name: Duplicate value: "knows"/);
  refused(write('{'), /error decoding config/);
  refused(write(JSON.stringify({ kind: 'Pod' })), /failed to decode "Pod" \(wrong Kind\)/);
  refused(write(config()), /at least 1 item in plugins is required/);
  refused(write(config(plugin({ name: 'absent' }))), /plugin binary executable .*absent did not exist/);
  refused(write(config(plugin({ name: 'plain' }))), /plugin binary executable .*plain did not exist/);
  refused(write(config({ name: 'a/b c', apiVersion: 'v9', defaultCacheDuration: '-1s', tokenAttributes: { requireServiceAccount: false, requiredServiceAccountAnnotationKeys: ['k'], optionalServiceAccountAnnotationKeys: ['k'] } })),
    /cannot contain '\/'; .*cannot contain spaces; .*apiVersion: Unsupported value: "v9".*matchImages: Required value.*must be greater than or equal to 0.*serviceAccountTokenAudience: Required value.*only supported for .*\/v1 API version.*requireServiceAccount cannot be false.*both required and optional.*cacheType: Required value/s);
  t.end();
});
