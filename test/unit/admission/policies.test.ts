// ValidatingAdmissionPolicy and MutatingAdmissionPolicy: what they refuse, warn of and change, with variables, params and conditions.
import t from 'tap';
import { AUTHENTICATED_GROUP, MASTERS_GROUP } from '../../../internal/api/user.ts';
import { createClient } from '../../../internal/client/typed-client.ts';
import {
  CONFIGMAPS, DEPLOYMENTS, MUTATINGADMISSIONPOLICIES, MUTATINGADMISSIONPOLICYBINDINGS, NAMESPACES, VALIDATINGADMISSIONPOLICIES, VALIDATINGADMISSIONPOLICYBINDINGS, VALIDATINGWEBHOOKCONFIGURATIONS,
} from '../../../internal/kinds/generated/resources.ts';
import { startApiServer } from '../../support/api-server.ts';
import { failureOf } from '../../support/failure.ts';

const server = await startApiServer();
t.teardown(() => server.remove());
const { admin, pipeline } = server;
await admin.create(NAMESPACES, { metadata: { name: 'web', labels: { team: 'a' } } } as never);

const DEPLOYMENT_RULE = { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] };
const CONFIGMAP_RULE = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] };
const kinds = { validating: [VALIDATINGADMISSIONPOLICIES, VALIDATINGADMISSIONPOLICYBINDINGS], mutating: [MUTATINGADMISSIONPOLICIES, MUTATINGADMISSIONPOLICYBINDINGS] } as unknown as Record<string, [typeof CONFIGMAPS, typeof CONFIGMAPS]>;

async function policy(type: 'validating' | 'mutating', name: string, spec: object, binding: object = {}): Promise<void> {
  const [policies, bindings] = kinds[type] ?? [CONFIGMAPS, CONFIGMAPS];
  const own = type === 'mutating' ? { reinvocationPolicy: 'Never' } : {};
  await admin.create(policies, { metadata: { name }, spec: { matchConstraints: { resourceRules: [CONFIGMAP_RULE] }, ...own, ...spec } } as never);
  await admin.create(bindings, { metadata: { name: `${name}-binding` }, spec: { policyName: name, ...(type === 'validating' && { validationActions: ['Deny'] }), ...binding } } as never);
}

t.afterEach(async () => {
  for (const [policies, bindings] of Object.values(kinds)) {
    await admin.deleteAll(bindings, {});
    await admin.deleteAll(policies, {});
  }
});

let count = 0;
const configMap = (data: object = { a: '1' }, fields: object = {}): never => ({ metadata: { name: `one-${String(++count)}`, namespace: 'web', ...fields }, data }) as never;
const deployment = (replicas: number, fields: object = {}): never => ({
  metadata: { name: `web-${String(++count)}`, namespace: 'web', ...fields },
  spec: { replicas, selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } },
}) as never;

t.test('a validation that fails refuses, with its message and reason', async (t) => {
  await policy('validating', 'replicas', {
    matchConstraints: { resourceRules: [DEPLOYMENT_RULE] },
    validations: [{ expression: 'object.spec.replicas > 1', messageExpression: "'wants replicas > 1, got ' + string(object.spec.replicas)" }, { expression: "namespaceObject.metadata.name == 'web'" }],
  });
  const error = await failureOf(() => admin.create(DEPLOYMENTS, deployment(1, { name: 'marker' })));
  const words = "ValidatingAdmissionPolicy 'replicas' with binding 'replicas-binding' denied request: wants replicas > 1, got 1";
  t.match(error, { code: 422, shownReason: 'Invalid', message: `deployments.apps "marker" is forbidden: ${words}`, details: { name: 'marker', group: 'apps', kind: 'deployments', causes: [{ message: words }] } });
  t.ok(await admin.create(DEPLOYMENTS, deployment(2)));
});

t.test('variables, messages, reasons, several bindings', async (t) => {
  await policy('validating', 'odd', {
    variables: [{ name: 'size', expression: 'object.data.size() + 0' }, { name: 'odd', expression: 'variables.size % 2 == 1' }],
    validations: [{ expression: 'variables.odd', reason: 'Forbidden', message: ' keep it odd ' }, { expression: "!has(object.data.bad)" }],
  });
  t.match(await failureOf(() => admin.create(CONFIGMAPS, configMap({ a: '1', b: '2' }))), { code: 403, shownReason: 'Forbidden', message: /denied request: keep it odd$/ });
  t.match(await failureOf(() => admin.create(CONFIGMAPS, configMap({ bad: '1' }))), { message: /denied request: failed expression: !has\(object.data.bad\)$/ });
  t.ok(await admin.create(CONFIGMAPS, configMap()));
});

t.test('errors go by the failurePolicy', async (t) => {
  for (const failurePolicy of ['Fail', 'Ignore']) {
    await policy('validating', `broken-${failurePolicy.toLowerCase()}`, { failurePolicy, validations: [{ expression: 'object.data.none.size() > 0' }], matchConditions: [{ name: 'only', expression: `object.metadata.labels.policy == '${failurePolicy}'` }] });
  }
  t.match(await failureOf(() => admin.create(CONFIGMAPS, configMap({ a: '1' }, { labels: { policy: 'Fail' } }))), { message: /expression 'object.data.none.size\(\) > 0' resulted in error: no such key: none$/ });
  t.ok(await admin.create(CONFIGMAPS, configMap({ a: '1' }, { labels: { policy: 'Ignore' } })));
  t.match(await failureOf(() => admin.create(CONFIGMAPS, configMap())), { message: /expression 'object.metadata.labels.policy == 'Fail'' resulted in error: no such key: labels$/ }, 'a condition that cannot be told');
});

t.test('warnings and audit annotations', async (t) => {
  await policy('validating', 'warn.example.com', { validations: [{ expression: 'false', message: 'never' }], auditAnnotations: [{ key: 'who', valueExpression: "'by ' + request.userInfo.username" }, { key: 'none', valueExpression: 'null' }] }, { validationActions: ['Warn', 'Audit'] });
  const warnings: string[] = [];
  const notes: Record<string, string> = {};
  const info = { isResource: true, verb: 'create', path: '', group: '', version: 'v1', resource: 'configmaps', namespace: 'web', name: '', subresource: '', rest: [], fieldSelector: '' };
  const request = { info, options: {}, userAgent: 't', warn: (text: string) => void warnings.push(text), annotate: (key: string, value: string) => void (notes[key] = value), user: { username: 'me', groups: [MASTERS_GROUP] } };
  await pipeline.serve(request as never, configMap());
  t.strictSame(warnings, ["Validation failed for ValidatingAdmissionPolicy 'warn.example.com' with binding 'warn.example.com-binding': never"]);
  t.equal(notes['warn.example.com/who'], 'by me');
  t.match(JSON.parse(notes['validation.policy.admission.k8s.io/validation_failure'] ?? ''), [{ message: 'never', policy: 'warn.example.com', binding: 'warn.example.com-binding', expressionIndex: 0, validationActions: ['Warn', 'Audit'] }]);
  t.notOk('warn.example.com/none' in notes);
});

t.test('params by name and by selector, or none', async (t) => {
  await admin.create(CONFIGMAPS, configMap({ max: '2' }, { name: 'limits', labels: { limits: 'yes' } }));
  const spec = { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, validations: [{ expression: 'object.data.size() <= int(params.data.max)' }] };
  for (const [name, paramRef] of [['named', { name: 'limits' }], ['selected', { selector: { matchLabels: { limits: 'yes' } } }]] as const) {
    await policy('validating', name, spec, { paramRef: { ...paramRef, parameterNotFoundAction: 'Deny' } });
    t.match(await failureOf(() => admin.create(CONFIGMAPS, configMap({ a: '1', b: '2', c: '3' }))), { code: 422, message: new RegExp(`'${name}' with binding '${name}-binding' denied request: failed expression`) });
    t.ok(await admin.create(CONFIGMAPS, configMap()));
    await admin.deleteAll(VALIDATINGADMISSIONPOLICYBINDINGS, {});
  }
  await policy('validating', 'missing', spec, { paramRef: { name: 'nowhere', parameterNotFoundAction: 'Deny' } });
  t.match(await failureOf(() => admin.create(CONFIGMAPS, configMap())), { message: /denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction$/ });
  await admin.deleteAll(VALIDATINGADMISSIONPOLICYBINDINGS, {});
  await policy('validating', 'lenient', spec, { paramRef: { name: 'nowhere', parameterNotFoundAction: 'Allow' } });
  t.ok(await admin.create(CONFIGMAPS, configMap()));
  await admin.deleteAll(VALIDATINGADMISSIONPOLICYBINDINGS, {});
  await policy('validating', 'unknown', { ...spec, paramKind: { apiVersion: 'example.com/v1', kind: 'Limit' } }, { paramRef: { name: 'x', parameterNotFoundAction: 'Allow' } });
  t.match(await failureOf(() => admin.create(CONFIGMAPS, configMap())), { message: /denied request: failed to configure policy: failed to find resource referenced by paramKind: 'example.com\/v1, Kind=Limit'$/ });
});

t.test('the authorizer answers for the user', async (t) => {
  await policy('validating', 'authorized', { validations: [{ expression: "authorizer.group('').resource('secrets').namespace('web').check('create').allowed()", message: 'no secrets, no configmaps' }, { expression: "authorizer.requestResource.check('delete').allowed()" }] });
  t.ok(await admin.create(CONFIGMAPS, configMap()));
  await admin.create({ ...NAMESPACES, group: 'rbac.authorization.k8s.io', resource: 'clusterroles', kind: 'ClusterRole' } as never, { metadata: { name: 'maker' }, rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['create'] }] } as never);
  await admin.create({ ...NAMESPACES, group: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings', kind: 'ClusterRoleBinding' } as never, { metadata: { name: 'maker' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'maker' }, subjects: [{ kind: 'User', name: 'maker', apiGroup: 'rbac.authorization.k8s.io' }] } as never);
  const maker = createClient(pipeline.as({ username: 'maker', groups: [AUTHENTICATED_GROUP] }));
  t.match(await failureOf(() => maker.create(CONFIGMAPS, configMap())), { message: /no secrets, no configmaps$/ });
});

t.test('matching: excluded, by name, by namespace', async (t) => {
  const rows: [name: string, constraints: object, refused: boolean][] = [
    ['excluded', { excludeResourceRules: [{ ...CONFIGMAP_RULE, resourceNames: ['spared'] }] }, false],
    ['named', { resourceRules: [{ ...CONFIGMAP_RULE, resourceNames: ['spared'] }] }, true],
    ['named otherwise', { resourceRules: [{ ...CONFIGMAP_RULE, resourceNames: ['other'] }] }, false],
    ['its team', { namespaceSelector: { matchLabels: { team: 'a' } } }, true],
    ['another team', { namespaceSelector: { matchLabels: { team: 'b' } } }, false],
  ];
  for (const [name, constraints, refused] of rows) {
    await policy('validating', 'rows', { matchConstraints: { resourceRules: [CONFIGMAP_RULE], ...constraints }, validations: [{ expression: 'false' }] });
    t.equal(await failureOf(() => admin.create(CONFIGMAPS, configMap({}, { name: 'spared' }), { dryRun: true })) !== undefined, refused, name);
    await admin.deleteAll(VALIDATINGADMISSIONPOLICYBINDINGS, {});
    await admin.deleteAll(VALIDATINGADMISSIONPOLICIES, {});
  }
});

t.test('mutations: an applied configuration and a JSON patch', async (t) => {
  const apply = (expression: string): object => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
  const patch = (expression: string): object => ({ patchType: 'JSONPatch', jsonPatch: { expression } });
  await policy('mutating', 'a-apply', { mutations: [
    apply("Object{metadata: Object.metadata{annotations: {'seen': object.metadata.name}}}"),
    apply("Object{metadata: Object.metadata{labels: {'after': object.metadata.annotations.seen}}}"),
  ] });
  await policy('mutating', 'b-patch', { variables: [{ name: 'value', expression: "'v' + string(object.data.size())" }], mutations: [
    patch("[JSONPatch{op: 'test', path: '/data/a', value: '1'}, JSONPatch{op: 'add', path: '/data/b_c', value: variables.value}]"),
    patch("[JSONPatch{op: 'test', path: '/data/a', value: 'other'}, JSONPatch{op: 'remove', path: '/data/a'}]"),
  ] });
  const made = await admin.create(CONFIGMAPS, configMap({ a: '1' }, { name: 'mutated', annotations: { mine: 'yes' } }));
  t.match(made, { metadata: { annotations: { mine: 'yes', seen: 'mutated' }, labels: { after: 'mutated' } }, data: { a: '1', b_c: 'v1' } });
});

t.test('a deployment gets a container beside its own; lists without keys stay closed', async (t) => {
  const rules = { matchConstraints: { resourceRules: [DEPLOYMENT_RULE] } };
  const apply = (expression: string): object => ({ mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }] });
  await policy('mutating', 'sidecar', { ...rules, ...apply("Object{spec: Object.spec{replicas: object.spec.replicas + 100, template: Object.spec.template{spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{name: 'side', image: 'proxy'}]}}}}") });
  const made = await admin.create(DEPLOYMENTS, deployment(1));
  t.match(made.spec, { replicas: 101, template: { spec: { containers: [{ name: 'c' }, { name: 'side', image: 'proxy', imagePullPolicy: 'Always' }] } } });
  await admin.deleteAll(MUTATINGADMISSIONPOLICYBINDINGS, {});
  await policy('mutating', 'atomic', { ...rules, ...apply("Object{spec: Object.spec{selector: Object.spec.selector{matchLabels: {'x': 'y'}}}}") });
  t.match(await failureOf(() => admin.create(DEPLOYMENTS, deployment(1))), { code: 403, shownReason: 'Invalid', message: "policy 'atomic' with binding 'atomic-binding' denied request: error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.selector" });
  await admin.deleteAll(MUTATINGADMISSIONPOLICYBINDINGS, {});
  await policy('mutating', 'misnamed', { ...rules, ...apply('Object{spec: Object.wrong{replicas: 1}}') });
  t.match(await failureOf(() => admin.create(DEPLOYMENTS, deployment(1))), { message: /denied request: type mismatch: unexpected type name "Object.wrong", expected "Object.spec"/ });
});

t.test('configurations that cannot work are refused', async (t) => {
  const create = (spec: object): Promise<unknown> => admin.create(VALIDATINGADMISSIONPOLICIES, { metadata: { name: 'x' }, spec: { matchConstraints: { resourceRules: [CONFIGMAP_RULE] }, ...spec } } as never, { dryRun: true });
  const rows: [name: string, spec: object, message: RegExp][] = [
    ['nothing to check', {}, /spec.validations: Required value: validations or auditAnnotations must contain at least one item, spec.auditAnnotations: Required value/],
    ['no CEL', { validations: [{ expression: 'object.x >' }] }, /spec.validations\[0\].expression: Invalid value: "object.x >": compilation failed: ERROR: <input>:1:11: Syntax error/],
    ['no bool', { validations: [{ expression: "'a'" }] }, /spec.validations\[0\].expression: Invalid value: "'a'": must evaluate to bool but got string/],
    ['unknown variable', { validations: [{ expression: 'variables.x' }] }, /undeclared reference to 'variables'/],
    ['params without kind', { validations: [{ expression: 'params.x' }] }, /undeclared reference to 'params'/],
    ['bad reason', { validations: [{ expression: 'true', reason: 'Teapot' }] }, /spec.validations\[0\].reason: Unsupported value: "Teapot": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"/],
  ];
  for (const [name, spec, message] of rows) t.match(await failureOf(() => create(spec)), { code: 422, message }, name);
  const webhook = { name: 'a.example.com', admissionReviewVersions: ['v1'], sideEffects: 'None', clientConfig: { url: 'https://x' }, matchConditions: [{ name: 'c', expression: '... [] bad expression' }] };
  t.match(await failureOf(() => admin.create(VALIDATINGWEBHOOKCONFIGURATIONS, { metadata: { name: 'x' }, webhooks: [webhook] } as never)), { message: /webhooks\[0\].matchConditions\[0\].expression: Invalid value: "... \[\] bad expression": compilation failed/ });
});
