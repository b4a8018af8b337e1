// OpenAPI: forms, headers, what is known already. Whole documents are compared elsewhere (test/unit/api/openapi.test.ts); those asked for here are small.
import type { Row } from '../exchange.ts';
import { get, post } from '../rows.ts';

const [V2_PROTOBUF, V3_PROTOBUF] = ['application/com.github.proto-openapi.spec.v2@v1.0+protobuf', 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf'];
const KEYS = '/openapi/v3/openid/v1/jwks';
const KNOWN = { headers: { 'if-none-match': '*' } };

export const OPENAPI: readonly Row[] = [
  get('openapi root', '/openapi'),
  get('openapi v2, known', '/openapi/v2', KNOWN),
  get('openapi v2 as protobuf, known', '/openapi/v2', { accept: V2_PROTOBUF, ...KNOWN }),
  get('openapi v2 as html', '/openapi/v2', { accept: 'text/html' }),
  get('openapi v2 as html or anything, known', '/openapi/v2', { accept: 'text/html,*/*;q=0.1', ...KNOWN }),
  get('openapi v2 as the protobuf of v3', '/openapi/v2', { accept: V3_PROTOBUF }),
  get('openapi v2 with a slash', '/openapi/v2/'),
  post('openapi v2 posted', '/openapi/v2', {}, { accept: 'text/html' }),
  get('openapi v3 document', KEYS),
  get('openapi v3 document of discovery', '/openapi/v3/.well-known/openid-configuration'),
  get('openapi v3, known', KEYS, KNOWN),
  get('openapi v3 as protobuf', KEYS, { accept: V3_PROTOBUF }),
  get('openapi v3 as protobuf, known', KEYS, { accept: V3_PROTOBUF, ...KNOWN }),
  get('openapi v3 as the protobuf of v2', KEYS, { accept: V2_PROTOBUF }),
  get('openapi v3 as yaml', KEYS, { accept: 'application/yaml' }),
  get('openapi v3 with an empty hash', `${KEYS}?hash=`),
  get('openapi v3 with a slash', '/openapi/v3/'),
  get('openapi v3 document with a slash', `${KEYS}/`),
  get('openapi v3 of nothing', '/openapi/v3/nothing'),
  get('openapi v4', '/openapi/v4'),
  post('openapi v3 posted', KEYS, {}),
];
