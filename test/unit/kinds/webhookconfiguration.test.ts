// Webhook configurations: every way to get one wrong, in upstream's words; and what an update may keep.
import t from 'tap';
import { errorBody } from '../../../internal/api/field-error.ts';
import { validateWebhooks } from '../../../internal/kinds/admission/webhook-validation.ts';

const RULE = { apiGroups: ['a'], apiVersions: ['b'], operations: ['CREATE'], resources: ['c'] };
const webhook = (fields: object = {}): never => ({ name: 'webhook.k8s.io', clientConfig: { url: 'https://example.com/x' }, sideEffects: 'None', admissionReviewVersions: ['v1'], rules: [RULE], ...fields }) as never;
const problems = (...webhooks: object[]): string[] => validateWebhooks(webhooks as never).map((error) => `${error.field}: ${errorBody(error)}`);

const rows: [name: string, fields: object, expected: string[]][] = [
  ['fine', {}, []],
  ['short name', { name: 'a.b' }, ['webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots']],
  ['no name', { name: '' }, ['webhooks[0].name: Required value']],
  ['side effects', { sideEffects: 'Some' }, ['webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"']],
  ['no side effects said', { sideEffects: undefined }, ['webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun']],
  ['timeout', { timeoutSeconds: 31 }, ['webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds']],
  ['review versions', { admissionReviewVersions: ['v2', 'v2', 'V1'] }, [
    'webhooks[0].admissionReviewVersions[1]: Invalid value: "v2": duplicate version',
    "webhooks[0].admissionReviewVersions[2]: Invalid value: \"V1\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
    'webhooks[0].admissionReviewVersions: Invalid value: ["v2","v2","V1"]: must include at least one of v1, v1beta1',
  ]],
  ['no review versions', { admissionReviewVersions: [] }, ['webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1']],
  ['two ways to be reached', { clientConfig: { url: 'https://a', service: { name: 'a', namespace: 'b' } } }, ['webhooks[0].clientConfig: Required value: exactly one of url or service is required']],
  ['url', { clientConfig: { url: 'http://me@h/p?q=1#f' } }, [
    'webhooks[0].clientConfig.url: Invalid value: "http": \'https\' is the only allowed URL scheme; desired format: https://host[/path]',
    'webhooks[0].clientConfig.url: Invalid value: "me": user information is not permitted in the URL',
    'webhooks[0].clientConfig.url: Invalid value: "f": fragments are not permitted in the URL',
    'webhooks[0].clientConfig.url: Invalid value: "q=1": query parameters are not permitted in the URL',
  ]],
  ['no host', { clientConfig: { url: 'https:///x' } }, ['webhooks[0].clientConfig.url: Invalid value: "": host must be specified; desired format: https://host[/path]']],
  ['service', { clientConfig: { service: { name: '', namespace: 'n', port: 65536, path: 'a//b' } } }, [
    'webhooks[0].clientConfig.service.namespace: Required value', // upstream has the two the wrong way round
    'webhooks[0].clientConfig.service.port: Invalid value: 65536: port is not valid: must be between 1 and 65535, inclusive',
    "webhooks[0].clientConfig.service.path: Invalid value: \"a//b\": must start with a '/'",
    'webhooks[0].clientConfig.service.path: Invalid value: "a//b": segment[0] may not be empty',
    'webhooks[0].clientConfig.service.path: Invalid value: "a//b": segment[1] may not be empty',
  ]],
  ['operations', { rules: [{ ...RULE, operations: ['*', 'PATCH'] }] }, [
    'webhooks[0].rules[0].operations: Invalid value: ["*","PATCH"]: if \'*\' is present, must not specify other operations',
    'webhooks[0].rules[0].operations[1]: Unsupported value: "PATCH": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
  ]],
  ['resources', { rules: [{ ...RULE, resources: ['a/*', 'a/x', '*/b', 'c/b', '*', 'd'] }] }, [
    "webhooks[0].rules[0].resources[1]: Invalid value: \"a/x\": if 'a/*' is present, must not specify a/x",
    "webhooks[0].rules[0].resources[3]: Invalid value: \"c/b\": if '*/b' is present, must not specify c/b",
    "webhooks[0].rules[0].resources: Invalid value: [\"a/*\",\"a/x\",\"*/b\",\"c/b\",\"*\",\"d\"]: if '*' is present, must not specify other resources without subresources",
  ]],
  ['empty rule', { rules: [{}] }, ['operations', 'apiGroups', 'apiVersions', 'resources'].map((field) => `webhooks[0].rules[0].${field}: Required value`)],
  ['conditions', { matchConditions: [{ name: 'a b', expression: '' }, { name: 'x', expression: '1' }, { name: 'x', expression: 'true' }] }, [
    'webhooks[0].matchConditions[0].expression: Required value',
    "webhooks[0].matchConditions[0].name: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    'webhooks[0].matchConditions[1].expression: Invalid value: "1": must evaluate to bool but got int',
    'webhooks[0].matchConditions[2].name: Duplicate value: "x"',
  ]],
];

t.test('what is wrong is told', (t) => {
  for (const [name, fields, expected] of rows) t.strictSame(problems(webhook(fields)), expected, name);
  t.strictSame(problems(webhook(), webhook()), ['webhooks[1].name: Duplicate value: "webhook.k8s.io"']);
  t.end();
});

t.test('an update may keep what was wrong before', (t) => {
  const old = [webhook({ sideEffects: 'Some', admissionReviewVersions: ['v9'], matchConditions: [{ name: 'x', expression: 'never compiled' }] })];
  t.strictSame(validateWebhooks(old, old), []);
  t.equal(validateWebhooks([webhook({ sideEffects: 'Some' })], [webhook()]).length, 1);
  t.end();
});
