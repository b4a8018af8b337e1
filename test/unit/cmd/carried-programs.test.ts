import { hash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { LIBRARIES_PLACE, type CarriedFile, type Manifest } from '../../../cmd/programs/manifest.ts';
import { areUnpacked, unpackPrograms } from '../../../cmd/programs/unpacking.ts';

const CONTENTS: Record<string, string> = { runc: `start${LIBRARIES_PLACE}\0end`, 'lib/libseccomp.so.2': 'library', 'lib/empty': '' };

await t.test('programs are unpacked below their digest, and told where their libraries are', async (t) => {
  const parent = join(t.testdir(), 'bin');
  const folder = unpackPrograms(parent, manifest('one'), read);
  t.equal(folder, join(parent, 'one'));
  t.equal(cString(join(folder, 'runc'), 5), join(folder, 'lib'));
  t.equal(statSync(join(folder, 'runc')).size, CONTENTS['runc']?.length);
  t.match(readFileSync(join(folder, 'runc'), 'latin1'), /^start.*\0end$/s);
  t.equal(readFileSync(join(folder, 'lib/libseccomp.so.2'), 'utf8'), 'library');
  t.equal(statSync(join(folder, 'runc')).mode & 0o777, 0o755);
  t.equal(readlinkSync(join(folder, 'iptables-nft/iptables')), 'xtables');
});

await t.test('a second start writes nothing', async (t) => {
  const parent = join(t.testdir(), 'bin');
  const folder = unpackPrograms(parent, manifest('one'), read);
  for (const path of Object.keys(CONTENTS)) utimesSync(join(folder, path), 1, 1);
  t.ok(areUnpacked(parent, manifest('one')));
  unpackPrograms(parent, manifest('one'), () => t.fail('nothing is to be read') as never);
  for (const path of Object.keys(CONTENTS)) t.equal(statSync(join(folder, path)).mtimeMs, 1000, path);
});

const damages: Record<string, (folder: string) => void> = {
  'a missing file': (folder) => rmSync(join(folder, 'lib/libseccomp.so.2')),
  'a file cut short': (folder) => writeFileSync(join(folder, 'runc'), 'start'),
  'an empty file, as a power cut leaves it': (folder) => writeFileSync(join(folder, 'runc'), ''),
  'a longer file': (folder) => appendFileSync(join(folder, 'runc'), 'x'),
  'a changed byte': (folder) => writeFileSync(join(folder, 'lib/libseccomp.so.2'), 'libraRy'),
  'another place for libraries': (folder) => writeFileSync(join(folder, 'runc'), CONTENTS['runc'] ?? ''),
  'a link to somewhere else': (folder) => {
    rmSync(join(folder, 'iptables-nft'), { recursive: true });
    mkdirSync(join(folder, 'iptables-nft'));
    writeFileSync(join(folder, 'iptables-nft/iptables'), 'no link');
  },
  'what an interrupted start left': (folder) => writeFileSync(join(folder, 'lib/libseccomp.so.2.77.tmp'), 'lib'),
};
for (const [name, damage] of Object.entries(damages)) {
  await t.test(`healed at the next start: ${name}`, async (t) => {
    const parent = join(t.testdir(), 'bin');
    const folder = unpackPrograms(parent, manifest('one'), read);
    const whole = snapshot(folder);
    damage(folder);
    if (!name.includes('interrupted')) t.notOk(areUnpacked(parent, manifest('one')));
    unpackPrograms(parent, manifest('one'), read);
    t.strictSame(snapshot(folder), whole);
    t.notOk(existsSync(join(folder, 'lib/libseccomp.so.2.77.tmp')));
  });
}

await t.test('programs of another version go', async (t) => {
  const parent = join(t.testdir(), 'bin');
  unpackPrograms(parent, manifest('one'), read);
  t.notOk(areUnpacked(parent, manifest('two')));
  unpackPrograms(parent, manifest('two'), read);
  t.notOk(existsSync(join(parent, 'one')));
  t.ok(existsSync(join(parent, 'two/runc')));
});

await t.test('a data folder whose path does not fit is refused', async (t) => {
  const parent = join(t.testdir(), 'x'.repeat(150), 'y'.repeat(80));
  t.throws(() => unpackPrograms(parent, manifest('one'), read), { message: /^--data-dir: the path is too long/ });
});

function manifest(digest: string): Manifest {
  const files = Object.entries(CONTENTS).map(([path, text]): CarriedFile => ({
    path, mode: path.startsWith('lib/') ? 0o644 : 0o755, size: text.length, sha256: hash('sha256', text), ...(text.includes(LIBRARIES_PLACE) && { librariesAt: text.indexOf(LIBRARIES_PLACE) }),
  }));
  return { digest, files, links: [{ path: 'iptables-nft/iptables', to: 'xtables' }], packages: {} };
}

function read(path: string): Uint8Array {
  return new Uint8Array(Buffer.from(CONTENTS[path] ?? ''));
}

function snapshot(folder: string): string[] {
  return [...Object.keys(CONTENTS).map((path) => `${path} ${String(statSync(join(folder, path)).mode)} ${readFileSync(join(folder, path), 'hex')}`), readlinkSync(join(folder, 'iptables-nft/iptables'))];
}

function cString(path: string, start: number): string {
  const bytes = readFileSync(path);
  return bytes.toString('utf8', start, bytes.indexOf(0, start));
}
