// The three merges against what upstream made of several hundred random cases (fixtures/record), and what must hold of any merge.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import t from 'tap';
import { copy, freeze, type KubeObject } from '../../../internal/api/meta.ts';
import { recordUpdate, serverSideApply } from '../../../internal/api/patch/apply.ts';
import { applyMergePatch } from '../../../internal/api/patch/merge.ts';
import { dropNulls } from '../../../internal/api/patch/members.ts';
import { applyStrategicMerge } from '../../../internal/api/patch/strategic.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import { parseFieldSelector, parseLabelSelector } from '../../../internal/api/selectors.ts';
import { seeded } from '../../contract/store.ts';
import { pick } from '../../support/mutations.ts';

interface Merge { Document: object; Patch: object; Result: object }
interface Step { Apply: boolean; Manager: string; Force: boolean; Object: KubeObject; Error?: string; Live?: KubeObject }

const recorded = JSON.parse(brotliDecompressSync(readFileSync(join(import.meta.dirname, 'fixtures/merges.json.br'))).toString()) as { merge: Merge[]; strategic: Merge[]; apply: Step[][] };
const schemas = loadSchemas();
const pod = schemas.byKind('', 'v1', 'Pod');
if (pod === undefined) throw new Error('no Pod');

t.test(`${String(recorded.merge.length)} JSON merge patches`, (t) => {
  for (const { Document, Patch, Result } of recorded.merge) {
    const result = applyMergePatch(copy(Document), copy(Patch));
    t.strictSame(result, Result, JSON.stringify({ Document, Patch }));
  }
  t.end();
});

t.test(`${String(recorded.strategic.length)} strategic merge patches`, (t) => {
  for (const { Document, Patch, Result } of recorded.strategic) {
    const before = JSON.stringify(Patch);
    t.strictSame(dropNulls(applyStrategicMerge(pod, copy(Document), Patch, schemas)), dropNulls(Result), JSON.stringify({ Document, Patch }));
    if (JSON.stringify(Patch) !== before) t.fail(`the patch was changed: ${before}`);
  }
  t.end();
});

t.test(`${String(recorded.apply.length)} objects under appliers and updaters`, (t) => {
  for (const steps of recorded.apply) {
    let live: KubeObject | undefined;
    for (const [index, step] of steps.entries()) {
      const { object, error } = taken(step, live);
      const what = `step ${String(index)} of ${JSON.stringify(steps.slice(0, index + 1).map(({ Apply, Manager, Force, Object }) => ({ Apply, Manager, Force, Object })))}`;
      t.equal(error, step.Error, what);
      if (object === undefined || step.Live === undefined) continue;
      t.strictSame(bare(object), bare(step.Live), what);
      live = object;
      if (!step.Apply) continue;
      const again = taken(step, live);
      t.strictSame(again.object, live, 'once more changes nothing');
    }
  }
  t.end();
});

function taken({ Apply, Manager, Force, Object }: Step, live: KubeObject | undefined): { object?: KubeObject; error?: string } {
  const common = { ...(live !== undefined && { live }), manager: Manager, definition: pod as NonNullable<typeof pod>, schemas, subresource: '', now: 0 };
  try {
    if (Apply) return { object: freeze(serverSideApply({ ...common, applied: copy(Object), force: Force })) };
    const next = copy(Object);
    recordUpdate({ ...common, next });
    return { object: freeze(next) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** Without when, and without what the recorder's fake server writes itself. */
function bare(object: KubeObject): object {
  const managedFields = (object.metadata.managedFields ?? []).map(({ time: _time, ...entry }) => entry).sort((a, b) => (JSON.stringify([a.manager, a.operation]) < JSON.stringify([b.manager, b.operation]) ? -1 : 1));
  const { creationTimestamp: _made, managedFields: _fields, ...metadata } = object.metadata as unknown as Record<string, unknown>;
  return dropNulls({ ...object, metadata: { ...metadata, managedFields } });
}

t.test('a selector says the same after it was written out and read again, and is the sum of its requirements', (t) => {
  const chance = seeded(7);
  const labels = (): Record<string, string> => Object.fromEntries(Array.from({ length: Math.floor(chance() * 4) }, () => [pick(['a', 'b', 'x.y/c'], chance), pick(['', '1', '2', '10'], chance)]));
  const term = (): string => {
    const key = pick(['a', 'b', 'x.y/c'], chance);
    return pick([key, `!${key}`, `${key}=1`, `${key}==2`, `${key}!=1`, `${key} in (1,2)`, `${key} notin (1, 10)`, `${key}>1`, `${key}<10`, `${key}=`], chance);
  };
  for (let count = 0; count < 500; count++) {
    const terms = Array.from({ length: 1 + Math.floor(chance() * 3) }, term);
    const whole = parseLabelSelector(terms.join(','));
    const again = parseLabelSelector(whole.text);
    t.equal(again.text, whole.text);
    const object = labels();
    const expected = terms.every((one) => parseLabelSelector(one).matches(object));
    t.equal(whole.matches(object), expected, `${terms.join(',')} of ${JSON.stringify(object)}`);
    t.equal(again.matches(object), expected);
    const value = Array.from({ length: 1 + Math.floor(chance() * 4) }, () => pick(['a', ',', '=', '\\', 'ä', '!'], chance)).join('');
    const escaped = value.replaceAll(/[\\,=]/g, (letter) => `\\${letter}`);
    t.equal(parseFieldSelector(`metadata.name=${escaped}`).matches({ 'metadata.name': value }), true, value);
  }
  t.end();
});
