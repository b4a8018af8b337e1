// The messages of OpenAPI's protobuf forms that our documents have, by JSON names: number and form of each field.

export type Form = 'text' | 'texts' | 'bool' | 'int' | 'double' | 'any' | 'anys' | (string & {}) | { list: string };
type Field = readonly [number: number, form: Form];

export interface Message {
  fields?: Readonly<Record<string, Field>>;
  /** Where members that begin with `x-` go. */
  extensions?: number;
  /** Where all other members go, by their names. */
  entries?: Field;
  /** What this value is one of; or where a value that is wrapped goes. */
  choose?(value: unknown): Field | undefined;
}

const isReference = (value: unknown): boolean => (value as { $ref?: string }).$ref !== undefined;
const placeOf = (value: unknown): string => (value as { in?: string }).in ?? '';
const referenceOr = (name: string): Message => ({ choose: (value) => (isReference(value) ? [2, 'Reference'] : [1, name]) });
const always = (number: number, form: Form): Message => ({ choose: () => [number, form] });

const V2: Readonly<Record<string, Message>> = {
  Document: { fields: { swagger: [1, 'text'], info: [2, 'Info'], host: [3, 'text'], basePath: [4, 'text'], schemes: [5, 'texts'], consumes: [6, 'texts'], produces: [7, 'texts'], paths: [8, 'Paths'], definitions: [9, 'Definitions'], parameters: [10, 'Parameters'], security: [12, { list: 'SecurityRequirement' }], securityDefinitions: [13, 'SecurityDefinitions'] }, extensions: 16 },
  Info: { fields: { title: [1, 'text'], version: [2, 'text'], description: [3, 'text'] }, extensions: 7 },
  Paths: { entries: [2, 'PathItem'], extensions: 1 },
  PathItem: { fields: { $ref: [1, 'text'], get: [2, 'Operation'], put: [3, 'Operation'], post: [4, 'Operation'], delete: [5, 'Operation'], options: [6, 'Operation'], head: [7, 'Operation'], patch: [8, 'Operation'], parameters: [9, { list: 'ParametersItem' }] }, extensions: 10 },
  Operation: { fields: { tags: [1, 'texts'], summary: [2, 'text'], description: [3, 'text'], operationId: [5, 'text'], produces: [6, 'texts'], consumes: [7, 'texts'], parameters: [8, { list: 'ParametersItem' }], responses: [9, 'Responses'], schemes: [10, 'texts'], deprecated: [11, 'bool'] }, extensions: 13 },
  ParametersItem: referenceOr('Parameter'),
  Reference: { fields: { $ref: [1, 'text'], description: [2, 'text'] } },
  Parameters: { entries: [1, 'Parameter'] },
  Parameter: { choose: (value) => (placeOf(value) === 'body' ? [1, 'BodyParameter'] : [2, 'NonBodyParameter']) },
  BodyParameter: { fields: { description: [1, 'text'], name: [2, 'text'], in: [3, 'text'], required: [4, 'bool'], schema: [5, 'Schema'] }, extensions: 6 },
  NonBodyParameter: { choose: (value) => (placeOf(value) === 'path' ? [4, 'PathParameter'] : placeOf(value) === 'header' ? [1, 'PathParameter'] : [3, 'QueryParameter']) },
  QueryParameter: { fields: { required: [1, 'bool'], in: [2, 'text'], description: [3, 'text'], name: [4, 'text'], type: [6, 'text'], format: [7, 'text'], default: [10, 'any'], uniqueItems: [20, 'bool'], enum: [21, 'anys'] }, extensions: 23 },
  PathParameter: { fields: { required: [1, 'bool'], in: [2, 'text'], description: [3, 'text'], name: [4, 'text'], type: [5, 'text'], format: [6, 'text'], default: [9, 'any'], uniqueItems: [19, 'bool'], enum: [20, 'anys'] }, extensions: 22 },
  Responses: { entries: [1, 'ResponseValue'], extensions: 2 },
  ResponseValue: referenceOr('Response'),
  Response: { fields: { description: [1, 'text'], schema: [2, 'SchemaItem'] }, extensions: 5 },
  SchemaItem: always(1, 'Schema'),
  Definitions: { entries: [1, 'Schema'] },
  Properties: { entries: [1, 'Schema'] },
  Schema: {
    fields: {
      $ref: [1, 'text'], format: [2, 'text'], title: [3, 'text'], description: [4, 'text'], default: [5, 'any'], multipleOf: [6, 'double'], maximum: [7, 'double'], exclusiveMaximum: [8, 'bool'],
      minimum: [9, 'double'], exclusiveMinimum: [10, 'bool'], maxLength: [11, 'int'], minLength: [12, 'int'], pattern: [13, 'text'], maxItems: [14, 'int'], minItems: [15, 'int'], uniqueItems: [16, 'bool'],
      maxProperties: [17, 'int'], minProperties: [18, 'int'], required: [19, 'texts'], enum: [20, 'anys'], additionalProperties: [21, 'AdditionalProperties'], type: [22, 'Type'], items: [23, 'Items'],
      allOf: [24, { list: 'Schema' }], properties: [25, 'Properties'], readOnly: [27, 'bool'], example: [30, 'any'],
    },
    extensions: 31,
  },
  AdditionalProperties: { choose: (value) => (typeof value === 'boolean' ? [2, 'bool'] : [1, 'Schema']) },
  Type: always(1, 'texts'),
  Items: always(1, { list: 'Schema' }),
  SecurityRequirement: { entries: [1, 'Texts'] },
  Texts: always(1, 'texts'),
  SecurityDefinitions: { entries: [1, 'SecurityDefinition'] },
  SecurityDefinition: always(2, 'ApiKeySecurity'),
  ApiKeySecurity: { fields: { type: [1, 'text'], name: [2, 'text'], in: [3, 'text'], description: [4, 'text'] }, extensions: 5 },
};

const V3: Readonly<Record<string, Message>> = {
  Document: { fields: { openapi: [1, 'text'], info: [2, 'Info'], paths: [4, 'Paths'], components: [5, 'Components'] }, extensions: 9 },
  Info: { fields: { title: [1, 'text'], description: [2, 'text'], version: [6, 'text'] }, extensions: 7 },
  Paths: { entries: [1, 'PathItem'], extensions: 2 },
  PathItem: { fields: { $ref: [1, 'text'], summary: [2, 'text'], description: [3, 'text'], get: [4, 'Operation'], put: [5, 'Operation'], post: [6, 'Operation'], delete: [7, 'Operation'], options: [8, 'Operation'], head: [9, 'Operation'], patch: [10, 'Operation'], parameters: [13, { list: 'ParameterOrReference' }] }, extensions: 14 },
  Operation: { fields: { tags: [1, 'texts'], summary: [2, 'text'], description: [3, 'text'], operationId: [5, 'text'], parameters: [6, { list: 'ParameterOrReference' }], requestBody: [7, 'RequestBodyOrReference'], responses: [8, 'Responses'], deprecated: [10, 'bool'] }, extensions: 13 },
  ParameterOrReference: referenceOr('Parameter'),
  Reference: { fields: { $ref: [1, 'text'], summary: [2, 'text'], description: [3, 'text'] } },
  Parameter: { fields: { name: [1, 'text'], in: [2, 'text'], description: [3, 'text'], required: [4, 'bool'], schema: [10, 'SchemaOrReference'] }, extensions: 14 },
  RequestBodyOrReference: referenceOr('RequestBody'),
  RequestBody: { fields: { description: [1, 'text'], content: [2, 'MediaTypes'], required: [3, 'bool'] }, extensions: 4 },
  MediaTypes: { entries: [1, 'MediaType'] },
  MediaType: { fields: { schema: [1, 'SchemaOrReference'] }, extensions: 5 },
  Responses: { fields: { default: [1, 'ResponseOrReference'] }, entries: [2, 'ResponseOrReference'], extensions: 3 },
  ResponseOrReference: referenceOr('Response'),
  Response: { fields: { description: [1, 'text'], content: [3, 'MediaTypes'] }, extensions: 5 },
  Components: { fields: { schemas: [1, 'Schemas'], securitySchemes: [7, 'SecuritySchemes'] }, extensions: 10 },
  Schemas: { entries: [1, 'SchemaOrReference'] },
  SchemaOrReference: referenceOr('Schema'),
  Schema: {
    fields: {
      nullable: [1, 'bool'], readOnly: [3, 'bool'], example: [7, 'any'], title: [9, 'text'], multipleOf: [10, 'double'], maximum: [11, 'double'], exclusiveMaximum: [12, 'bool'], minimum: [13, 'double'],
      exclusiveMinimum: [14, 'bool'], maxLength: [15, 'int'], minLength: [16, 'int'], pattern: [17, 'text'], maxItems: [18, 'int'], minItems: [19, 'int'], uniqueItems: [20, 'bool'], maxProperties: [21, 'int'],
      minProperties: [22, 'int'], required: [23, 'texts'], enum: [24, 'anys'], type: [25, 'text'], allOf: [26, { list: 'SchemaOrReference' }], oneOf: [27, { list: 'SchemaOrReference' }],
      anyOf: [28, { list: 'SchemaOrReference' }], not: [29, 'Schema'], items: [30, 'Items'], properties: [31, 'Schemas'], additionalProperties: [32, 'AdditionalProperties'], default: [33, 'Default'],
      description: [34, 'text'], format: [35, 'text'],
    },
    extensions: 36,
  },
  Items: always(1, { list: 'SchemaOrReference' }),
  AdditionalProperties: { choose: (value) => (typeof value === 'boolean' ? [2, 'bool'] : [1, 'SchemaOrReference']) },
  // Objects and lists have no place there.
  Default: { choose: (value) => (typeof value === 'number' ? [1, 'double'] : typeof value === 'boolean' ? [2, 'bool'] : typeof value === 'string' ? [3, 'text'] : undefined) },
  SecuritySchemes: { entries: [1, 'SecuritySchemeOrReference'] },
  SecuritySchemeOrReference: referenceOr('SecurityScheme'),
  SecurityScheme: { fields: { type: [1, 'text'], description: [2, 'text'], name: [3, 'text'], in: [4, 'text'] }, extensions: 9 },
};

export const MESSAGES = { v2: V2, v3: V3 } as const;
