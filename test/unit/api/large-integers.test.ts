// Whole numbers beyond 2^53 keep their digits through every form in which an object is read and written.
import t from 'tap';
import { sameJson } from '../../../internal/api/json-equality.ts';
import { parseJson } from '../../../internal/api/json.ts';
import { readJson } from '../../../internal/api/large-integers.ts';
import { copy } from '../../../internal/api/meta.ts';
import { decodeProtobuf, encodeProtobuf } from '../../../internal/api/protobuf.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import { formatYaml, parseYaml } from '../../../internal/api/yaml.ts';

const EDGES = ['9007199254740991', '9007199254740992', '9007199254740993', '-9007199254740993', '9223372036854775807', '-9223372036854775808'];

t.test('JSON, YAML and copies keep every digit', (t) => {
  for (const digits of EDGES) {
    const text = `{"a":${digits},"b":[${digits}],"c":"${digits}"}`;
    const value = readJson(text);
    t.equal(JSON.stringify(value), text);
    t.equal(JSON.stringify(parseJson(text, () => {})), text, 'also where keys are looked at');
    t.equal(JSON.stringify(copy(value)), text);
    t.equal(JSON.stringify(parseYaml(formatYaml(value))), text);
    t.equal(JSON.stringify(parseYaml(`a: ${digits}\nb: [${digits}]\nc: "${digits}"\n`)), text);
    t.ok(sameJson(value, parseJson(text)));
  }
  t.end();
});

t.test('what is next to each other is not the same', (t) => {
  t.notOk(sameJson(readJson('[9007199254740993]'), readJson('[9007199254740992]')));
  t.end();
});

t.test('small numbers stay numbers; floats and what fits no 64 bits are rounded as in Go', (t) => {
  t.strictSame(readJson('[1,-2,1.5,9007199254740991,1e20]'), [1, -2, 1.5, 9007199254740991, 1e20]);
  t.strictSame(readJson('[9223372036854775808,-9223372036854775809,9007199254740993.0]'), [2 ** 63, -(2 ** 63), 9007199254740992]);
  t.end();
});

t.test('half a character is replaced, a whole one is kept', (t) => {
  t.strictSame(readJson('["\\ud800","\\uD83D\\uDE00","a"]'), ['\ufffd', '\u{1f600}', 'a']);
  t.end();
});

t.test('protobuf keeps them in typed fields and in JSON that lies in it', (t) => {
  const schemas = loadSchemas();
  for (const digits of EDGES) {
    const text = `{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"name":"a"},"data":{"n":${digits}},"revision":${digits}}`;
    t.equal(JSON.stringify(decodeProtobuf(encodeProtobuf(readJson(text) as object, schemas), schemas)), text);
  }
  t.end();
});
