// Who may use an image that is here: what upstream's image pull manager decides, on the files it keeps.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { DEFAULT_CONFIGURATION, type KubeletConfiguration } from '../../../agents/kubelet/configuration/configuration.ts';
import { openPullRecords } from '../../../agents/kubelet/pulling/pull-records.ts';
import type { FoundCredential } from '../../../agents/kubelet/pulling/pull-secrets.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const ID = `sha256:${'a'.repeat(64)}`;
const IMAGE = 'reg.example.com/team/app:1';

function scene(t: Test, settings: Partial<KubeletConfiguration> = {}) {
  const directory = mkdtempSync(join(tmpdir(), `skiff-pull-records-${String(process.pid)}-`));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const records = openPullRecords(directory, { clock: createFakeClock(), settings: { ...DEFAULT_CONFIGURATION, ...settings } });
  const files = (kind: string): string[] => readdirSync(join(directory, 'image_manager', kind));
  const mayUse = (image: string, ...credentials: FoundCredential[]): Promise<boolean> => records.mayUse(image, ID, () => Promise.resolve(credentials));
  return { directory, records, files, mayUse, stored: () => JSON.parse(readFileSync(join(directory, 'image_manager/pulled', files('pulled')[0] ?? ''), 'utf8')) as unknown };
}

const secret = (uid: string, password: string): FoundCredential => ({ username: 'u', password, email: '', source: { uid, namespace: 'default', name: `secret-${uid}` } });
const nodes: FoundCredential = { username: 'node', password: 'p', email: '' };
const never = (): Promise<never> => Promise.reject(new Error('nobody is to ask'));

t.test('what was there before is anyone\'s; what was pulled with a secret is for those who have it', async (t) => {
  const { records, mayUse, files, stored } = scene(t);
  t.equal(await records.mayUse(IMAGE, ID, never), true, 'preloaded');
  const pulled = records.pulling(IMAGE);
  t.equal(files('pulling').length, 1);
  t.equal(await mayUse(IMAGE), false, 'one that is being pulled is not preloaded any more');
  pulled({ id: ID, with: secret('1', 'right') });
  t.same(files('pulling'), []);
  t.match(stored(), { kind: 'ImagePulledRecord', apiVersion: 'kubelet.config.k8s.io/v1beta1', imageRef: ID, credentialMapping: { 'reg.example.com/team/app': { kubernetesSecrets: [{ uid: '1', namespace: 'default', name: 'secret-1', credentialHash: /^[0-9a-f]{64}$/ }] } } });
  t.equal(await mayUse(IMAGE), false, 'without credentials');
  t.equal(await mayUse(IMAGE, nodes), false, 'with the node\'s, which did not pull it');
  t.equal(await mayUse(IMAGE, secret('2', 'wrong')), false);
  t.equal(await mayUse('reg.example.com/team/app:2', secret('1', 'right')), true, 'a tag of the same repository');
  t.equal(await mayUse('other.example.com/app:1', secret('1', 'right')), false, 'the same image by another name');
  t.equal(await mayUse(IMAGE, secret('2', 'right')), true, 'another secret with the same words');
  t.equal(await mayUse(IMAGE, secret('2', 'new')), true, 'which is noted, and may get new ones');
  t.equal(await mayUse(IMAGE, secret('3', 'new')), true);
});

t.test('what a plugin knew for a service account is for pods of that account', async (t) => {
  const of = (uid: string): FoundCredential => ({ username: 'u', password: 'p', email: '', serviceAccount: { uid, namespace: 'default', name: `account-${uid}` } });
  const { records, mayUse, stored } = scene(t);
  records.pulling(IMAGE)({ id: ID, with: of('1') });
  t.match(stored(), { credentialMapping: { 'reg.example.com/team/app': { kubernetesServiceAccounts: [{ uid: '1', namespace: 'default', name: 'account-1' }] } } });
  t.same([await mayUse(IMAGE), await mayUse(IMAGE, of('2')), await mayUse(IMAGE, of('1'))], [false, false, true]);
  records.pulling(IMAGE)({ id: ID, with: of('2') });
  records.pulling(IMAGE)({ id: ID, with: secret('1', 'right') });
  t.same([await mayUse(IMAGE, of('2')), await mayUse(IMAGE, of('1')), await mayUse(IMAGE, secret('1', 'right')), await mayUse(IMAGE, of('3'))], [true, true, true, false]);
});

t.test('what needs no secret, or came with the node\'s own, is anyone\'s from then on', async (t) => {
  const { records, mayUse } = scene(t);
  records.pulling(IMAGE)({ id: ID, with: secret('1', 'p') });
  t.equal(await mayUse(IMAGE), false);
  records.pulling(IMAGE)({ id: ID, with: nodes });
  t.equal(await records.mayUse(IMAGE, ID, never), true);
  records.pulling(IMAGE)({ id: ID, with: secret('1', 'p') });
  t.equal(await records.mayUse(IMAGE, ID, never), true, 'and stays so');
});

t.test('a pull that fails leaves nothing; one cut off by a crash leaves an image that has to be asked for', async (t) => {
  const { records, files, mayUse, directory } = scene(t);
  const [one, two] = [records.pulling(IMAGE), records.pulling(IMAGE)];
  one();
  t.equal(files('pulling').length, 1, 'the other still pulls');
  two();
  t.same(files('pulling'), []);
  records.pulling(IMAGE);
  records.pulling('gone:1');
  const again = openPullRecords(directory, { clock: createFakeClock(), settings: DEFAULT_CONFIGURATION });
  again.start({ find: (name) => (name === IMAGE ? { id: ID } : undefined), list: () => [{ id: ID }] });
  t.same(files('pulling'), []);
  t.equal(files('pulled').length, 1);
  t.equal(await mayUse(IMAGE, secret('1', 'p')), false);
  again.start({ find: () => undefined, list: () => [] });
  t.same(files('pulled'), [], 'records of images that are gone go');
});

t.test('policies', async (t) => {
  const allowed = { preloadedImagesVerificationAllowlist: ['reg.example.com/team/*', 'exact.example.com/app'] };
  const policy = (imagePullCredentialsVerificationPolicy: string) => scene(t, { imagePullCredentialsVerificationPolicy, ...allowed });
  const [none, all, listed] = [policy('NeverVerify'), policy('AlwaysVerify'), policy('NeverVerifyAllowlistedImages')];
  none.records.pulling(IMAGE)({ id: ID, with: secret('1', 'p') });
  t.equal(await none.mayUse(IMAGE), true);
  t.equal(await all.mayUse(IMAGE), false);
  t.equal(await listed.mayUse(IMAGE), true);
  t.equal(await listed.mayUse('exact.example.com/app@sha256:' + 'b'.repeat(64)), true);
  t.equal(await listed.mayUse('exact.example.com/app/more:1'), false);
  t.equal(await listed.mayUse('busybox'), false);
});
