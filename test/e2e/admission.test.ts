// Admission as kubectl sees it: a real control plane with its loops, webhooks over HTTPS, policies. No node is needed.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import t from 'tap';
import { KUBECTL } from '../support/cluster.ts';
import { startControlPlane } from '../support/control-plane.ts';
import { until } from '../support/until.ts';
import { denyReply, patchReply, startWebhookServer } from '../support/webhook-server.ts';

const plane = await startControlPlane({ loops: true });
const hook = await startWebhookServer(['127.0.0.1']);
t.teardown(async () => {
  await hook.close();
  await plane.remove();
});
const kubeconfig = join(plane.directory, 'admin.kubeconfig');
writeFileSync(kubeconfig, plane.kubeconfig);

/** Beside this process, which serves: the child must not block it. */
async function kubectl(args: readonly string[], input?: object | readonly object[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(KUBECTL, ['--kubeconfig', kubeconfig, ...args]);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end(input === undefined ? '' : [input].flat().map((one) => JSON.stringify(one)).join('\n---\n'));
  const code = await new Promise<number>((resolve) => child.once('close', (exit) => resolve(exit ?? 1)));
  return { code, stdout, stderr };
}

const RULE = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] };

function configuration(kind: 'Mutating' | 'Validating', name: string, webhook: object): object {
  const whole = { name: `${name}.example.com`, admissionReviewVersions: ['v1'], sideEffects: 'None', rules: [RULE], clientConfig: { url: `https://127.0.0.1:${String(hook.port)}/${name}`, caBundle: hook.caBundle }, ...webhook };
  return { apiVersion: 'admissionregistration.k8s.io/v1', kind: `${kind}WebhookConfiguration`, metadata: { name }, webhooks: [whole] };
}

const selected = { objectSelector: { matchLabels: { hooks: 'yes' } } };

t.test('a refusal is shown in the webhook\'s words, and only to whom it concerns', async (t) => {
  hook.replies.set('/deny', () => denyReply({ message: 'this map contains unwanted data', code: 403 }));
  t.equal((await kubectl(['apply', '-f', '-'], configuration('Validating', 'deny', selected))).code, 0);
  const map = (name: string, labels: object): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', labels }, data: { a: '1' } });
  const refused = await kubectl(['create', '-f', '-'], map('one', { hooks: 'yes' }));
  t.equal(refused.code, 1);
  t.match(refused.stderr, 'admission webhook "deny.example.com" denied the request: this map contains unwanted data');
  t.match((await kubectl(['create', '-f', '-'], map('two', {}))).stdout, 'configmap/two created');
  await kubectl(['delete', 'validatingwebhookconfiguration', 'deny']);
  t.match((await kubectl(['create', '-f', '-'], map('one', { hooks: 'yes' }))).stdout, 'configmap/one created');
});

t.test('a webhook that cannot be asked, and a configuration that cannot work', async (t) => {
  const nobody = configuration('Mutating', 'nobody', { ...selected, timeoutSeconds: 1, clientConfig: { service: { namespace: 'default', name: 'nobody', path: '/x' } } });
  t.equal((await kubectl(['apply', '-f', '-'], nobody)).code, 0);
  const refused = await kubectl(['label', 'configmap', 'one', 'more=1']);
  t.match(refused.stderr, 'Error from server (InternalError): Internal error occurred: failed calling webhook "nobody.example.com": failed to call webhook: Post "https://nobody.default.svc:443/x?timeout=1s": service "nobody" not found');
  await kubectl(['delete', 'mutatingwebhookconfiguration', 'nobody']);
  const bad = await kubectl(['create', '-f', '-'], configuration('Validating', 'bad', { matchConditions: [{ name: 'c', expression: '... [] bad expression' }] }));
  t.match(bad.stderr, /compilation failed: ERROR: <input>:1:2: Syntax error/);
});

t.test('server-side apply beside a webhook that changes more: no conflict, no churn', async (t) => {
  hook.replies.set('/more', () => patchReply({ op: 'add', path: '/data/more', value: 'x' }));
  await kubectl(['apply', '-f', '-'], configuration('Mutating', 'more', selected));
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied', namespace: 'default', labels: { hooks: 'yes' } }, data: { a: '1' } };
  const versions: string[] = [];
  for (let round = 0; round < 3; round++) {
    t.match((await kubectl(['apply', '--server-side', '-f', '-'], map)).stdout, 'configmap/applied serverside-applied');
    versions.push((await kubectl(['get', 'configmap', 'applied', '-o', 'jsonpath={.metadata.resourceVersion} {.data} {.metadata.managedFields[*].manager}'])).stdout);
  }
  t.match(versions[0], /^\d+ \{"a":"1","more":"x"\} kubectl$/);
  t.equal(new Set(versions).size, 1, 'applied again it changes nothing');
  await kubectl(['delete', 'mutatingwebhookconfiguration', 'more']);
});

t.test('attaching is refused by a webhook on CONNECT', async (t) => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'apart', namespace: 'default' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  await t.resolves(until(async () => (await kubectl(['get', 'serviceaccount', 'default'])).code === 0, 'the ServiceAccount'));
  t.equal((await kubectl(['create', '-f', '-'], pod)).code, 0);
  hook.replies.set('/attach', ({ request: { object, name } }) => denyReply({ message: `attaching to pod '${String(name)}' is not allowed, nor to ${(object as { container?: string }).container ?? ''}` }));
  await kubectl(['apply', '-f', '-'], configuration('Validating', 'attach', { rules: [{ ...RULE, operations: ['CONNECT'], resources: ['pods/attach'] }] }));
  hook.asked.length = 0;
  t.match(await fetchAttach(), "admission webhook \"attach.example.com\" denied the request: attaching to pod 'apart' is not allowed, nor to c");
  t.match(hook.asked[0]?.review.request, { operation: 'CONNECT', subResource: 'attach', kind: { kind: 'PodAttachOptions' }, object: { kind: 'PodAttachOptions', apiVersion: 'v1', stdin: true, container: 'c' }, options: null });
  t.match((await kubectl(['attach', 'apart', '-c', 'c', '-i'])).stderr, "attaching to pod 'apart' is not allowed");
});

t.test('policies: refusal, warning, type check, row', async (t) => {
  const policy = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'replicas' }, spec: { matchConstraints: { resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] }] }, validations: [{ expression: 'object.spec.replicas > 1', messageExpression: "'wants replicas > 1, got ' + object.spec.replicas" }] } };
  const binding = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicyBinding', metadata: { name: 'replicas' }, spec: { policyName: 'replicas', validationActions: ['Deny'] } };
  t.equal((await kubectl(['apply', '-f', '-'], [policy, binding])).code, 0);
  const refused = await kubectl(['create', 'deployment', 'web', '--image=web']);
  t.match(refused.stderr, "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'replicas' with binding 'replicas' denied request: failed expression: object.spec.replicas > 1");
  t.match((await kubectl(['create', 'deployment', 'web', '--image=web', '--replicas=2'])).stdout, 'deployment.apps/web created');
  await until(async () => (await kubectl(['get', 'validatingadmissionpolicy', 'replicas', '-o', 'jsonpath={.status.observedGeneration}'])).stdout === '1', 'the policy to be looked at');
  t.match((await kubectl(['get', 'validatingadmissionpolicy', 'replicas', '-o', 'jsonpath={.status.typeChecking.expressionWarnings[*].warning}'])).stdout, "found no matching overload for '_+_' applied to '(string, int)'");
  t.match((await kubectl(['get', 'validatingadmissionpolicy'])).stdout, /^NAME +VALIDATIONS +PARAMKIND +AGE\nreplicas +1 +<unset> /);
  await kubectl(['patch', 'validatingadmissionpolicybinding', 'replicas', '--type=merge', '-p', '{"spec":{"validationActions":["Warn"]}}']);
  const warned = await kubectl(['scale', 'deployment', 'web', '--replicas=1']);
  t.equal(warned.code, 0, 'a scale is another resource');
  t.match((await kubectl(['label', 'deployment', 'web', 'a=b'])).stderr, "Warning: Validation failed for ValidatingAdmissionPolicy 'replicas' with binding 'replicas'");
});

t.test('custom resources: patched, pruned, defaulted, in the version the rule names; params of a policy', async (t) => {
  const version = (name: string, storage: boolean): object => ({
    name, served: true, storage,
    schema: { openAPIV3Schema: { type: 'object', properties: { data: { type: 'object', properties: { a: { type: 'string' }, max: { type: 'integer' }, given: { type: 'string', default: 'by default' } } } } } },
  });
  const crd = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'things.example.com' }, spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' }, versions: [version('v1', true), version('v2', false)] } };
  t.equal((await kubectl(['apply', '-f', '-'], crd)).code, 0);
  await kubectl(['wait', '--for=condition=Established', 'crd/things.example.com', '--timeout=30s']);
  hook.replies.set('/things', ({ request: { object } }) => patchReply({ op: 'add', path: '/data', value: { a: (object as { apiVersion: string }).apiVersion, unknown: 'x' } }));
  await kubectl(['apply', '-f', '-'], configuration('Mutating', 'things', { rules: [{ apiGroups: ['example.com'], apiVersions: ['v2'], operations: ['CREATE'], resources: ['things'] }] }));
  const thing = (name: string, apiVersion: string, data?: object): object => ({ apiVersion: `example.com/${apiVersion}`, kind: 'Thing', metadata: { name, namespace: 'default' }, ...(data !== undefined && { data }) });
  t.match((await kubectl(['create', '-f', '-'], thing('one', 'v1'))).stdout, 'thing.example.com/one created');
  t.strictSame(JSON.parse((await kubectl(['get', 'things.v1.example.com', 'one', '-o', 'jsonpath={.data}'])).stdout), { a: 'example.com/v2', given: 'by default' });
  await kubectl(['delete', 'mutatingwebhookconfiguration', 'things']);

  await kubectl(['create', '-f', '-'], thing('limit', 'v2', { max: 1 }));
  const policy = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'limited' }, spec: { paramKind: { apiVersion: 'example.com/v1', kind: 'Thing' }, matchConstraints: { resourceRules: [RULE] }, validations: [{ expression: 'object.data.size() <= params.data.max' }] } };
  const binding = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicyBinding', metadata: { name: 'limited' }, spec: { policyName: 'limited', validationActions: ['Deny'], paramRef: { name: 'limit', parameterNotFoundAction: 'Deny' } } };
  await kubectl(['apply', '-f', '-'], [policy, binding]);
  t.match((await kubectl(['create', 'configmap', 'many', '--from-literal=a=1', '--from-literal=b=2'])).stderr, "ValidatingAdmissionPolicy 'limited' with binding 'limited' denied request: failed expression: object.data.size() <= params.data.max");
  t.equal((await kubectl(['create', 'configmap', 'few', '--from-literal=a=1'])).code, 0);
});

async function fetchAttach(): Promise<string> {
  return new Promise((resolve, reject) => {
    request(`${plane.url}/api/v1/namespaces/default/pods/apart/attach?stdin=true&container=c&stdout=true`, { method: 'POST', ca: plane.ca, cert: plane.cert, key: plane.key }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => resolve((JSON.parse(text) as { message: string }).message));
    }).on('error', reject).end();
  });
}
