// Type checks of ValidatingAdmissionPolicies: what can never work is told once a generation, by expression.
import t from 'tap';
import { loadSchemas } from '../../../internal/api/schema.ts';
import { plan } from '../../../internal/controllers/admission-policy-types.ts';
import type { ValidatingAdmissionPolicy } from '../../../internal/kinds/generated/api-types.ts';
import { loadKinds } from '../../../internal/kinds/index.ts';

const schemas = loadSchemas();
const types = { schemas, kinds: loadKinds(schemas) };
const policy = (validations: object[], fields: object = {}): ValidatingAdmissionPolicy => ({
  metadata: { name: 'p', generation: 1 },
  spec: { matchConstraints: { resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['*'], resources: ['deployments'] }] }, validations, ...fields },
}) as never;

function warnings(of: ValidatingAdmissionPolicy): { fieldRef: string; warning: string }[] | null {
  const [action] = plan(of, types).actions as unknown as { patch: { body: { status: { typeChecking: { expressionWarnings: { fieldRef: string; warning: string }[] | null } } } } }[];
  return action?.patch.body.status.typeChecking.expressionWarnings ?? null;
}

t.test('what fits its types has no warnings', (t) => {
  t.equal(warnings(policy([{ expression: 'object.spec.replicas > 1', messageExpression: "'got ' + string(object.spec.replicas)" }])), null);
  t.equal(warnings(policy([{ expression: "object.metadata.labels['a'] == 'b' && oldObject.metadata.creationTimestamp < timestamp('2026-01-01T00:00:00Z')" }])), null);
  t.end();
});

t.test('what does not is told by expression and kind', (t) => {
  const [first, second, third] = warnings(policy([{ expression: "object.spec.replicas > '1'", messageExpression: "'got ' + object.spec.replicas" }, { expression: 'object.spec.none' }])) ?? [];
  t.match(first, { fieldRef: 'spec.validations[0].expression', warning: /^apps\/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '\(int, string\)'/ });
  t.match(second, { fieldRef: 'spec.validations[0].messageExpression', warning: /found no matching overload for '_\+_' applied to '\(string, int\)'/ });
  t.match(third, { fieldRef: 'spec.validations[1].expression', warning: /undefined field 'none'/ });
  t.end();
});

t.test('once a generation; wildcards are not checked', (t) => {
  t.strictSame(plan({ ...policy([{ expression: 'object.none' }]), status: { observedGeneration: 1 } }, types).actions, []);
  const rules = [{ apiGroups: ['*'], apiVersions: ['v1'], operations: ['*'], resources: ['deployments'] }];
  t.equal(warnings(policy([{ expression: 'object.none' }], { matchConstraints: { resourceRules: rules } } as never)), null);
  t.end();
});
