// OpenAPI documents of the built-in kinds are upstream's, part by part; their protobuf forms say the same as JSON.
import { readFileSync } from 'node:fs';
import t from 'tap';
import protobuf from 'protobufjs';
import { encodeOpenApi } from '../../../internal/api/openapi-protobuf.ts';
import { parseWords } from '../../../internal/api/openapi-words.ts';
import { openApiV2Members, openApiV3, documentOf as whole, type OpenApiOptions, type OpenApiV3Document } from '../../../internal/api/openapi.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import type { ServedResource } from '../../../internal/api/served-resource.ts';
import { KINDS_JSON } from '../../../internal/kinds/generated/kinds.ts';
import { differences, OPENAPI_FIXTURE, ownDigests, type Digests } from '../../parity/openapi.ts';

const documentOf = (name: string, more: Partial<OpenApiOptions> = {}): OpenApiV3Document => openApiV3(name, { ...options, ...more }) ?? { openapi: '', info: {}, paths: {}, components: {} };
const options: OpenApiOptions = { schemas: loadSchemas(), resources: JSON.parse(KINDS_JSON) as ServedResource[], version: '1.36' };

void t.test('paths, operations, parameters, definitions: as upstream has them, in v2 and in each document of v3', (t) => {
  t.same(differences(ownDigests(), JSON.parse(readFileSync(OPENAPI_FIXTURE, 'utf8')) as Digests), []);
  t.end();
});

void t.test('prose goes where upstream has it', (t) => {
  const words = parseWords(['D\tio.k8s.api.core.v1.Pod\t"a pod"', 'F\tio.k8s.api.core.v1.PodSpec\trestartPolicy\t"when"', 'P\tlimit\t\t"how many"', 'P\tcontainer\texec\t"which"'].join('\n'));
  const { components, paths } = documentOf('api/v1', { words });
  t.match(components.schemas?.['io.k8s.api.core.v1.Pod'], { description: 'a pod' });
  t.match(components.schemas?.['io.k8s.api.core.v1.PodSpec'], { properties: { restartPolicy: { description: 'when' } } });
  t.match(paths['/api/v1/nodes'], { get: { description: 'list or watch objects of kind Node', parameters: [{}, {}, {}, {}, { name: 'limit', description: 'how many' }] } });
  t.match(paths['/api/v1/namespaces/{namespace}/pods/{name}/exec'], { parameters: [{}, { name: 'container', description: 'which' }, { name: 'name', description: 'name of the PodExecOptions' }] });
  t.end();
});

// As gnostic names and numbers them, the part that is looked at here.
const GNOSTIC = `syntax = "proto3";
message V2 { string swagger = 1; Info info = 2; Paths paths = 8; Definitions definitions = 9; Parameters parameters = 11; }
message Info { string title = 1; string version = 2; }
message Paths { repeated NamedPathItem path = 2; }
message NamedPathItem { string name = 1; PathItem value = 2; }
message PathItem { Operation get = 2; repeated ParametersItem parameters = 9; }
message Operation { repeated string tags = 1; string operation_id = 5; repeated string produces = 6; Responses responses = 9; repeated NamedAny vendor_extension = 13; }
message Responses { repeated NamedResponse response_code = 1; }
message NamedResponse { string name = 1; ResponseValue value = 2; }
message ResponseValue { Response response = 1; }
message Response { string description = 1; SchemaItem schema = 2; }
message SchemaItem { Schema schema = 1; }
message ParametersItem { Reference json_reference = 2; }
message Reference { string _ref = 1; }
message Parameters { repeated NamedAny additional_properties = 1; }
message Definitions { repeated NamedSchema additional_properties = 1; }
message NamedSchema { string name = 1; Schema value = 2; }
message Schema { string _ref = 1; string format = 2; string description = 4; repeated string required = 19; repeated Any enum = 20; AdditionalProperties additional_properties = 21; Type type = 22; Items items = 23; Definitions properties = 25; repeated NamedAny vendor_extension = 31; }
message AdditionalProperties { Schema schema = 1; }
message Type { repeated string value = 1; }
message Items { repeated Schema schema = 1; }
message NamedAny { string name = 1; Any value = 2; }
message Any { string yaml = 2; }
message V3 { string openapi = 1; Components components = 5; }
message Components { Schemas schemas = 1; }
message Schemas { repeated NamedSchemaOrReference additional_properties = 1; }
message NamedSchemaOrReference { string name = 1; SchemaOrReference value = 2; }
message SchemaOrReference { Schema3 schema = 1; Reference reference = 2; }
message Schema3 { string type = 25; repeated SchemaOrReference all_of = 26; Schemas properties = 31; Default default = 33; }
message Default { oneof one { double number = 1; bool boolean = 2; string string = 3; } }`;
const { root } = protobuf.parse(GNOSTIC, { keepCase: true });

void t.test('v2 as protobuf, read by another library', (t) => {
  const document = whole(openApiV2Members(options)) as { definitions: Record<string, { required?: string[]; properties?: object }>; paths: object };
  const read = root.lookupType('V2').decode(encodeOpenApi(document, 'v2')).toJSON() as unknown as ReadV2;
  t.match(read, { swagger: '2.0', info: { title: 'Kubernetes', version: '1.36' } });
  t.same(read.paths.path.map(({ name }) => name), Object.keys(document.paths));
  t.same(read.definitions.additional_properties.map(({ name, value }) => [name, value.required ?? [], (value.properties?.additional_properties ?? []).map((one) => one.name)]), Object.entries(document.definitions).map(([name, { required = [], properties = {} }]) => [name, required, Object.keys(properties)]));
  const schema = (name: string): ReadSchema => read.definitions.additional_properties.find((one) => one.name === `io.k8s.api.core.v1.${name}`)?.value ?? {};
  const kind = schema('Pod').vendor_extension?.find(({ name }) => name === 'x-kubernetes-group-version-kind');
  t.same(JSON.parse(kind?.value.yaml ?? ''), [{ group: '', kind: 'Pod', version: 'v1' }]);
  t.match(schema('PodSpec').properties?.additional_properties.find(({ name }) => name === 'nodeSelector'), { value: { type: { value: ['object'] }, additional_properties: { schema: { type: { value: ['string'] } } }, vendor_extension: [{ name: 'x-kubernetes-map-type' }] } });
  t.match(read.paths.path.find(({ name }) => name === '/api/v1/nodes'), { value: { get: { operation_id: 'listCoreV1Node', responses: { response_code: [{ name: '200', value: { response: { description: 'OK', schema: { schema: { _ref: '#/definitions/io.k8s.api.core.v1.NodeList' } } } } }, { name: '401' }] } }, parameters: [{ json_reference: { _ref: '#/parameters/pretty-tJGM1-ng' } }] } });
  t.end();
});

interface ReadSchema { required?: string[]; properties?: { additional_properties: { name: string; value: ReadSchema }[] }; vendor_extension?: { name: string; value: { yaml: string } }[] }
interface ReadV2 { paths: { path: { name: string }[] }; definitions: { additional_properties: { name: string; value: ReadSchema }[] } }

void t.test('v3 as protobuf: references apart from schemas, defaults by their type', (t) => {
  const read = root.lookupType('V3').decode(encodeOpenApi(documentOf('apis/apps/v1'), 'v3')).toJSON() as { components: { schemas: { additional_properties: { name: string; value: { schema: { properties: { additional_properties: { name: string; value: object }[] } } } }[] } } };
  const spec = read.components.schemas.additional_properties.find(({ name }) => name === 'io.k8s.api.core.v1.ContainerPort')?.value.schema.properties.additional_properties;
  t.match(spec?.find(({ name }) => name === 'protocol'), { value: { schema: { type: 'string', default: { string: 'TCP' } } } });
  t.match(spec?.find(({ name }) => name === 'containerPort'), { value: { schema: { type: 'integer', default: { number: 0 } } } });
  const pod = read.components.schemas.additional_properties.find(({ name }) => name === 'io.k8s.api.core.v1.PodTemplateSpec')?.value.schema.properties.additional_properties;
  t.match(pod?.find(({ name }) => name === 'spec'), { value: { schema: { all_of: [{ reference: { _ref: '#/components/schemas/io.k8s.api.core.v1.PodSpec' } }] } } });
  t.end();
});
