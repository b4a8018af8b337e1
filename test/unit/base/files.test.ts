// Looking at what need not be there: absence is an answer, anything else is thrown.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { isErrno, unlessErrno } from '../../../internal/base/errors.ts';
import { foldersIn, namesIn, readFileIfThere } from '../../../internal/base/files.ts';

const folder = mkdtempSync(join(tmpdir(), `skiff-files-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'below'));
writeFileSync(join(folder, 'file'), 'text');

t.test('names and folders in a folder; none where there is no such folder', (t) => {
  t.same(namesIn(folder).sort(), ['below', 'file']);
  t.same(foldersIn(folder), ['below']);
  for (const path of ['nothing', 'file', 'file/nothing']) t.same([namesIn(join(folder, path)), foldersIn(join(folder, path))], [[], []], path);
  t.end();
});

t.test('a file that is not there is undefined; a folder in its place is an error', (t) => {
  t.equal(readFileIfThere(join(folder, 'file')), 'text');
  t.equal(readFileIfThere(join(folder, 'nothing')), undefined);
  t.throws(() => readFileIfThere(join(folder, 'below')), { code: 'EISDIR' });
  t.end();
});

t.test('only the codes that are named are answers', (t) => {
  const refused = (code: string) => (): never => { throw Object.assign(new Error(code), { code }); };
  t.equal(unlessErrno(['ESRCH', 'EINVAL'], refused('EINVAL')), undefined);
  t.throws(() => unlessErrno(['ESRCH', 'EINVAL'], refused('EIO')), { code: 'EIO' });
  t.same([isErrno(new Error('none'), 'ENOENT'), isErrno(Object.assign(new Error('x'), { code: 'ENOENT' }), 'EIO', 'ENOENT')], [false, true]);
  t.end();
});
