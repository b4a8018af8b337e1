// Upstream's golden objects, every served kind with every field filled: the three forms turn into one another to the byte.
import t from 'tap';
import { decodeProtobuf, encodeProtobuf } from '../../../internal/api/protobuf.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import { checkShape } from '../../../internal/api/shape.ts';
import { parseApiVersion } from '../../../internal/api/meta.ts';
import { formatYaml, parseYaml } from '../../../internal/api/yaml.ts';
import { loadGolden } from '../../support/golden-objects.ts';

const schemas = loadSchemas();
const golden = loadGolden();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

t.test(`protobuf, JSON and YAML of ${String(golden.length)} objects`, (t) => {
  t.ok(golden.length >= 73);
  for (const { name, json, protobuf, yaml } of golden) {
    const bytes = Buffer.from(protobuf, 'base64');
    const { group, version } = parseApiVersion(json.apiVersion ?? '');
    const definition = schemas.byKind(group, version, json.kind ?? '');
    if (definition === undefined) throw new Error(`${name} has no schema`);
    t.match(checkShape(definition, json, schemas), { errors: [], unknown: [] }, `${name}: of its schema's shape`);
    t.equal(hex(encodeProtobuf(json, schemas)), hex(bytes), `${name}: JSON to protobuf`);
    const decoded = decodeProtobuf(bytes, schemas);
    t.strictSame(decoded, json, `${name}: protobuf to JSON`);
    t.equal(hex(encodeProtobuf(decoded, schemas)), hex(bytes), `${name}: protobuf and back`);
    t.strictSame(parseYaml(yaml), json, `${name}: YAML to JSON`);
    t.equal(formatYaml(json), yaml, `${name}: JSON to YAML`);
  }
  t.end();
});
