// Differences as go-difflib writes them: hunks with three lines around, joined where they are near.
import t from 'tap';
import { jsonDiff } from '../../../internal/api/line-diff.ts';

t.test('nothing differs', (t) => {
  t.equal(jsonDiff({ A: 1 }, { A: 1 }), '');
  t.end();
});

t.test('one change with what is around it', (t) => {
  t.equal(jsonDiff({ A: 1, B: 2, C: 3, D: 4, E: 5 }, { A: 1, B: 2, C: 3, D: '<4>', E: 5 }), '@@ -2,6 +2,6 @@\n  "A": 1,\n  "B": 2,\n  "C": 3,\n- "D": 4,\n+ "D": "\\u003c4\\u003e",\n  "E": 5\n }\n');
  t.end();
});

t.test('changes far apart stand in hunks of their own, near ones together', (t) => {
  const list = Array.from({ length: 20 }, (_, index) => index);
  const changed = (...at: number[]): (number | string)[] => list.map((one) => (at.includes(one) ? `x${String(one)}` : one));
  t.equal(jsonDiff(list, changed(0, 19)).match(/@@.*@@/g)?.join(' '), '@@ -1,5 +1,5 @@ @@ -18,5 +18,5 @@');
  t.equal(jsonDiff(list, changed(5, 12)).match(/@@.*@@/g)?.join(' '), '@@ -4,14 +4,14 @@');
  t.equal(jsonDiff(list, changed(5, 13)).match(/@@.*@@/g)?.join(' '), '@@ -4,7 +4,7 @@ @@ -12,7 +12,7 @@');
  t.end();
});

t.test('what is all new, and what is gone', (t) => {
  t.equal(jsonDiff(null, { A: 1 }), '@@ -1 +1,3 @@\n-null\n+{\n+ "A": 1\n+}\n');
  t.end();
});

// Whoever may change a claim may send megabytes: an hour of this if each line were looked for among all others.
t.test('long ones are only told to begin and end alike', (t) => {
  const long = (what: string): unknown => [0, 1, 2, 3, ...Array.from({ length: 100_000 }, () => what), 4, 5, 6, 7];
  const lines = jsonDiff(long('a'), long('b')).split('\n');
  t.equal(lines[0], '@@ -3,100006 +3,100006 @@');
  t.equal(lines.filter((line) => line === '- "a",').length, 100_000);
  t.equal(lines.filter((line) => line === '+ "b",').length, 100_000);
  t.end();
});
