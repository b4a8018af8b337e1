// The ranges of ids that pods with users of their own get: aligned, no two the same, kept over restarts, within what the host gives.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { DEFAULT_CONFIGURATION, readKubeletConfiguration } from '../../../agents/kubelet/configuration/configuration.ts';
import { rangeOf, releaseRange, type RangeOptions } from '../../../agents/kubelet/user-ranges.ts';
import { systemRandom } from '../../../internal/base/random.ts';

const UNIT = 65536;
const NO_PROGRAM = '/nowhere/getsubids';

function scene(t: Test, files: Record<string, string> = {}, more: Partial<RangeOptions> = {}): RangeOptions & { podOf(uid: string): string } {
  const kubeletDir = mkdtempSync(join(tmpdir(), `skiff-ranges-${String(process.pid)}-`));
  t.teardown(() => rmSync(kubeletDir, { recursive: true, force: true }));
  const podOf = (uid: string): string => {
    mkdirSync(join(kubeletDir, 'pods', uid), { recursive: true });
    return uid;
  };
  return { kubeletDir, idsPerPod: UNIT, maxPods: 110, random: systemRandom, read: (path) => files[path], getsubids: NO_PROGRAM, podOf, ...more };
}

t.test('aligned, above the host, one for each pod, and kept', async (t) => {
  const node = scene(t);
  const ranges = await Promise.all(Array.from({ length: 50 }, (_, index) => rangeOf(node.podOf(`pod${String(index)}`), node)));
  t.equal(new Set(ranges.map(({ hostId }) => hostId)).size, 50);
  for (const { hostId, length } of ranges) t.ok(hostId >= UNIT && hostId % UNIT === 0 && length === UNIT && hostId + length <= 2 ** 32);
  t.same(await rangeOf('pod7', node), ranges[7], 'found again');
  const mapping = { hostId: ranges[7]?.hostId, containerId: 0, length: UNIT };
  t.same(JSON.parse(readFileSync(join(node.kubeletDir, 'pods/pod7/userns'), 'utf8')), { uidMappings: [mapping], gidMappings: [mapping] }, "in upstream's form");
  releaseRange('pod7', node);
  releaseRange('pod7', node);
  t.notOk(existsSync(join(node.kubeletDir, 'pods/pod7/userns')));
});

t.test('the last free one is found, and then none; another length is respected', async (t) => {
  const files = { '/etc/passwd': 'root:x:0:0::/:\nkubelet:x:999:999::/:\n', '/etc/subuid': 'other:1:1\nkubelet:131072:196608\n', '/etc/subgid': 'kubelet:131072:196608\n' };
  const node = scene(t, files, { maxPods: 3 });
  const ranges = [];
  for (const uid of ['a', 'b', 'c']) ranges.push((await rangeOf(node.podOf(uid), node)).hostId);
  t.same(ranges.sort((a, b) => a - b), [2 * UNIT, 3 * UNIT, 4 * UNIT]);
  await t.rejects(rangeOf(node.podOf('d'), node), /could not find an empty slot to allocate a user namespace/);
  releaseRange('b', node);
  t.ok(ranges.includes((await rangeOf('d', node)).hostId));
  const wide = scene(t, {}, { idsPerPod: 2 * UNIT, random: { ...systemRandom, fraction: () => 0 } });
  writeFileSync(join(wide.kubeletDir, 'pods', wide.podOf('old'), 'userns'), JSON.stringify({ uidMappings: [{ hostId: 3 * UNIT, containerId: 0, length: UNIT }], gidMappings: [{ hostId: 3 * UNIT, containerId: 0, length: UNIT }] }));
  t.same(await rangeOf(wide.podOf('new'), wide), { hostId: 4 * UNIT, length: 2 * UNIT }, 'does not overlap one of before');
  t.same(await rangeOf('old', wide), { hostId: 3 * UNIT, length: UNIT });
});

t.test('what the host gives its user kubelet', async (t) => {
  const user = { '/etc/passwd': 'kubelet:x:999:999::/:\n' };
  const given = (uids: string, gids = uids): Record<string, string> => ({ ...user, '/etc/subuid': `kubelet:${uids}\n`, '/etc/subgid': `kubelet:${gids}\n` });
  t.ok((await rangeOf(...first(scene(t, user)))).hostId >= UNIT, 'nothing: anywhere');
  const refused: [Record<string, string>, RegExp][] = [
    [given('131073:13107200'), /assigned ID 131073 is not a multiple of 65536/], [given('0:13107200'), /must be greater or equal to 65536/], [given('65536:13107201'), /length 13107201 is not a multiple/],
    [given('65536:65536'), /not enough to support 110 pods/], [given('65536:13107200', '131072:13107200'), /mismatched subuids and subgids for user "kubelet"/], [given('x:y'), /invalid line/],
    [{ ...given('65536:13107200'), '/etc/subuid': 'kubelet:65536:65536\nkubelet:131072:65536\n', '/etc/subgid': 'kubelet:65536:65536\nkubelet:131072:65536\n' }, /must contain only one line/],
  ];
  for (const [files, message] of refused) await t.rejects(rangeOf(...first(scene(t, files))), message);
  const program = join(t.testdir({ getsubids: '#!/bin/sh\n[ "$1" = -g ] && shift\necho "0: $1 327680 13107200"\n', broken: '#!/bin/sh\necho "Error fetching ranges" >&2\nexit 1\n' }), 'getsubids');
  for (const name of ['getsubids', 'broken']) chmodSync(program.replace('getsubids', name), 0o755);
  t.ok((await rangeOf(...first(scene(t, user, { getsubids: program })))).hostId >= 5 * UNIT);
  await t.rejects(rangeOf(...first(scene(t, user, { getsubids: program.replace('getsubids', 'broken') }))), /error retrieving additional uids for user "kubelet": Error fetching ranges/);
});

function first(node: ReturnType<typeof scene>): [string, RangeOptions] {
  return [node.podOf('one'), node];
}

t.test('a file that cannot be meant is told', async (t) => {
  const node = scene(t);
  const path = join(node.kubeletDir, 'pods', node.podOf('one'), 'userns');
  const mapping = { hostId: UNIT, containerId: 0, length: UNIT };
  for (const [text, message] of [['{', /invalid user namespace mappings file/], ['{}', /no more than one mapping/], [JSON.stringify({ uidMappings: [mapping], gidMappings: [] }), /should be identical/], [JSON.stringify({ uidMappings: [{ ...mapping, containerId: 1 }], gidMappings: [{ ...mapping, containerId: 1 }] }), /UID 0 must be mapped/]] as const) {
    writeFileSync(path, text);
    await t.rejects(rangeOf('one', node), message);
  }
});

t.test('how many ids a pod has is a setting', (t) => {
  t.equal(DEFAULT_CONFIGURATION.idsPerPod, UNIT);
  t.equal(readKubeletConfiguration(['userNamespaces.idsPerPod=131072']).idsPerPod, 2 * UNIT);
  const file = join(t.testdir({ 'kubelet.yaml': 'kind: KubeletConfiguration\nuserNamespaces: {idsPerPod: 196608}\n' }), 'kubelet.yaml');
  t.equal(readKubeletConfiguration([`config=${file}`]).idsPerPod, 3 * UNIT);
  for (const [value, message] of [['1000', /must not be less than 65536/], ['65537', /must be a multiple of 65536/], ['4294967296', /must not be more than 4294967295/]] as const) t.throws(() => readKubeletConfiguration([`idsPerPod=${value}`]), message);
  t.end();
});
