// JSON patches: RFC 6902 with the API server's peculiarities.
import t from 'tap';
import { StatusError } from '../../../internal/base/errors.ts';
import { applyJsonPatch } from '../../../internal/api/patch/json.ts';
import { applyMergePatch } from '../../../internal/api/patch/merge.ts';

const REFUSED = 'the server rejected our request due to an error in our request';
interface Case { says: string; document: unknown; patch: unknown; becomes?: unknown; fails?: string; why?: RegExp; reason?: string }

const CASES: Case[] = [
  { says: 'add, replace and remove of members', document: { a: 1, b: 2 }, patch: [{ op: 'add', path: '/c', value: { d: [] } }, { op: 'replace', path: '/a', value: 9 }, { op: 'remove', path: '/b' }], becomes: { a: 9, c: { d: [] } } },
  { says: 'replacing what is missing adds it', document: {}, patch: [{ op: 'replace', path: '/a', value: 1 }], becomes: { a: 1 } },
  { says: 'escapes in paths', document: { metadata: { annotations: {} } }, patch: [{ op: 'add', path: '/metadata/annotations/a.b~1c~0d', value: 'x' }], becomes: { metadata: { annotations: { 'a.b/c~d': 'x' } } } },
  { says: 'items are added before an index, and at the end', document: { l: ['a', 'c'] }, patch: [{ op: 'add', path: '/l/1', value: 'b' }, { op: 'add', path: '/l/-', value: 'd' }, { op: 'add', path: '/l/4', value: 'e' }], becomes: { l: ['a', 'b', 'c', 'd', 'e'] } },
  { says: 'negative indices count from the end', document: { l: ['a', 'b'] }, patch: [{ op: 'replace', path: '/l/-1', value: 'z' }, { op: 'add', path: '/l/-1', value: 'end' }], becomes: { l: ['a', 'z', 'end'] } },
  { says: 'items are removed', document: { l: ['a', 'b', 'c'] }, patch: [{ op: 'remove', path: '/l/1' }], becomes: { l: ['a', 'c'] } },
  { says: 'copies are independent', document: { a: { x: 1 } }, patch: [{ op: 'copy', from: '/a', path: '/b' }, { op: 'replace', path: '/b/x', value: 2 }], becomes: { a: { x: 1 }, b: { x: 2 } } },
  { says: 'move', document: { a: { x: 1 }, l: [] }, patch: [{ op: 'move', from: '/a/x', path: '/l/0' }], becomes: { a: {}, l: [1] } },
  { says: 'test compares trees whatever the order of members', document: { a: { x: 1, y: [2] } }, patch: [{ op: 'test', path: '/a', value: { y: [2], x: 1 } }, { op: 'remove', path: '/a' }], becomes: {} },
  { says: 'test of null is met by absence', document: { a: 1 }, patch: [{ op: 'test', path: '/b', value: null }], becomes: { a: 1 } },
  { says: 'null removes', document: { a: 1 }, patch: [{ op: 'add', path: '/a', value: null }], becomes: {} },
  { says: 'the whole is replaced', document: { a: 1 }, patch: [{ op: 'replace', path: '', value: { b: 1 } }], becomes: { b: 1 } },
  { says: 'a failing test', document: { a: 1 }, patch: [{ op: 'test', path: '/a', value: 2 }], reason: 'Invalid', fails: REFUSED, why: /testing value \/a failed/ },
  { says: 'removing what is missing', document: {}, patch: [{ op: 'remove', path: '/a' }], reason: 'Invalid', fails: REFUSED, why: /nonexistent key: a/ },
  { says: 'an index too far', document: { l: [] }, patch: [{ op: 'add', path: '/l/1', value: 1 }], reason: 'Invalid', fails: REFUSED, why: /invalid index: 1/ },
  { says: 'an index that is none', document: { l: [] }, patch: [{ op: 'add', path: '/l/x', value: 1 }], reason: 'Invalid', fails: REFUSED, why: /proper array index/ },
  { says: 'a path through nothing', document: {}, patch: [{ op: 'add', path: '/a/b', value: 1 }], reason: 'Invalid', fails: REFUSED, why: /missing path: "\/a\/b"/ },
  { says: 'a path through inherited members', document: {}, patch: [{ op: 'add', path: '/__proto__/polluted', value: 1 }], reason: 'Invalid', fails: REFUSED, why: /missing path/ },
  { says: 'a path through a constructor', document: {}, patch: [{ op: 'add', path: '/constructor/prototype/polluted', value: 1 }], reason: 'Invalid', fails: REFUSED, why: /missing path/ },
  { says: 'an unknown operation', document: {}, patch: [{ op: 'explode', path: '/a' }], reason: 'Invalid', fails: REFUSED, why: /Unexpected kind: explode/ },
  { says: 'no path', document: {}, patch: [{ op: 'add', value: 1 }], reason: 'Invalid', fails: REFUSED, why: /missing path field/ },
  { says: 'a patch that is no list', document: {}, patch: { op: 'add' }, reason: 'BadRequest', fails: 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp' },
  { says: 'a path that is no text', document: {}, patch: [{ op: 'add', path: 1 }], reason: 'BadRequest', fails: 'error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string' },
  { says: 'too many operations', document: {}, patch: Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a' })), reason: 'RequestEntityTooLarge', fails: 'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001' },
];

for (const { says, document, patch, becomes, fails, why, reason } of CASES) {
  t.test(says, (t) => {
    const before = structuredClone(patch);
    try {
      const result = applyJsonPatch(structuredClone(document), patch);
      t.equal(fails, undefined, 'fails');
      t.strictSame(result, becomes);
    } catch (error) {
      if (!(error instanceof StatusError) || fails === undefined) throw error;
      t.equal(error.reason, reason);
      t.equal(error.message, fails);
      if (why !== undefined) t.match((error.cause as Error).message, why);
    }
    t.strictSame(patch, before, 'the patch is left as it was');
    t.equal(({} as Record<string, unknown>)['polluted'], undefined);
    t.end();
  });
}

t.test('a member named __proto__ is a member', (t) => {
  const result = applyJsonPatch({}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }]) as object;
  t.equal((result as Record<string, unknown>)['polluted'], undefined);
  t.equal(JSON.stringify(result), '{"__proto__":{"polluted":true}}');
  const merged = applyMergePatch({ a: 1 }, JSON.parse('{"__proto__":{"polluted":true},"a":null,"b":{"c":null,"d":[null]}}')) as object;
  t.equal((merged as Record<string, unknown>)['polluted'], undefined);
  t.equal(JSON.stringify(merged), '{"__proto__":{"polluted":true},"b":{"d":[null]}}');
  t.end();
});
