// What a CustomResourceDefinition is refused for, in the words of upstream.
import t from 'tap';
import { errorBody } from '../../../internal/api/field-error.ts';
import { validateCrd } from '../../../internal/kinds/custom/crd-validation.ts';
import { customResourceDefinition } from '../../../internal/kinds/custom/customresourcedefinition.ts';
import { crd, schemaOf } from './scene.ts';

const OBJECT = { type: 'object' };

function problems(definition: ReturnType<typeof crd>): string[] {
  customResourceDefinition.applyDefaults?.(definition);
  customResourceDefinition.prepareForCreate?.(definition, { now: 0, user: '' });
  return validateCrd(definition, undefined).map((error) => `${error.field}: ${errorBody(error)}`);
}

// What all versions say alike has upstream's path of old, above them.
const S = 'spec.validation.openAPIV3Schema';
const of = (openAPIV3Schema: object): string[] => problems(crd([schemaOf(openAPIV3Schema)]));
const property = (schema: object): string[] => of({ ...OBJECT, properties: { a: schema } });

void t.test('names, group, scope, versions', (t) => {
  t.same(problems(crd([schemaOf(OBJECT)])), []);
  t.same(problems(crd([schemaOf(OBJECT)], { spec: { group: 'example', scope: 'Moon' } })).slice(0, 3), ['metadata.name: Invalid value: "foos.example.com": must be spec.names.plural+"."+spec.group', 'spec.group: Invalid value: "example": should be a domain with at least one dot', 'spec.scope: Unsupported value: "Moon": supported values: "Cluster", "Namespaced"']);
  t.same(problems(crd([{}])), ['spec.versions[0].schema.openAPIV3Schema: Required value']);
  t.ok(problems(crd([{ ...schemaOf(OBJECT), deprecationWarning: 'old' }]))[0]?.endsWith('can only be set for deprecated versions'));
  t.same(problems(crd([{ ...schemaOf(OBJECT), additionalPrinterColumns: [{ name: 'x', type: 'odd', jsonPath: 'spec' }] }])), ['spec.additionalPrinterColumns[0].type: Invalid value: "odd": must be one of boolean,date,integer,number,string', 'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec": must be a simple json path starting with .']);
  t.same(problems(crd([schemaOf(OBJECT)], { spec: { group: 'x.k8s.io' } })).at(-1)?.slice(0, 79), 'metadata.annotations[api-approved.kubernetes.io]: Required value: protected gro');
  t.end();
});

void t.test('schemas', (t) => {
  t.same(of({}), [`${S}.type: Required value: must not be empty at the root`]);
  t.same(property({ type: 'array' }), [`${S}.properties[a].items: Required value: must be specified`]);
  t.same(property({}), [`${S}.properties[a].type: Required value: must not be empty for specified object fields`]);
  t.same(property({ type: 'text' }), [`${S}.properties[a].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`]);
  t.same(property({ type: 'integer', default: 'x' }), [`${S}.properties[a].default: Invalid value: "string":  in body must be of type integer: "string"`]);
  t.same(property({ ...OBJECT, properties: { b: { type: 'string' } }, default: { c: 1 } }), [`${S}.properties[a].default: Invalid value: {"c":1}: must not have unknown fields`]);
  t.same(property({ type: 'string', anyOf: [{ type: 'string' }] }), [`${S}.properties[a].anyOf[0].type: Forbidden: must be empty to be structural`]);
  t.same(of({ ...OBJECT, anyOf: [{ properties: { b: { minimum: 1 } } }] }), [`${S}.properties[b]: Required value: because it is defined in ${S}.anyOf[0].properties[b]`]);
  t.same(property({ type: 'array', items: OBJECT, 'x-kubernetes-list-type': 'map' }), [`${S}.properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`]);
  t.same(property({ type: 'string', uniqueItems: true }), [`${S}.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`]);
  t.same(property({ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }), []);
  t.same(of({ ...OBJECT, properties: { metadata: { ...OBJECT, properties: { labels: OBJECT } } } }), [`${S}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`]);
  t.end();
});

void t.test('rules in CEL', (t) => {
  const rule = (more: object, schema: object = { type: 'string', maxLength: 5 }): string[] => property({ ...schema, 'x-kubernetes-validations': [more] });
  const R = `${S}.properties[a].x-kubernetes-validations[0]`;
  t.same(rule({ rule: "self == 'a'" }), []);
  t.same(rule({ rule: ' ' }), [`${R}.rule: Required value: rule is not specified`]);
  t.ok(rule({ rule: 'self' })[0]?.endsWith('cel expression must evaluate to a bool'));
  t.ok(rule({ rule: 'self.b' })[0]?.includes('compilation failed: ERROR: <input>:1:5: '));
  t.same(rule({ rule: 'true', reason: 'Odd' }), [`${R}.reason: Unsupported value: "Odd": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"`]);
  t.same(rule({ rule: 'true', optionalOldSelf: true }), [`${R}.optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`]);
  t.ok(property({ type: 'array', items: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] } }).some((text) => text.includes('oldSelf cannot be used on the uncorrelatable portion of the schema within')));
  t.end();
});
