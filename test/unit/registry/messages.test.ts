// In which order an update that is wrong in several places is told of them, as upstream has it by kind.
import t from 'tap';
import { createScene, kindOf, refused, write } from './scene.ts';

t.test('what may not change comes first for some kinds', async (t) => {
  const { registry } = createScene();
  const table = [
    ['ingressclasses', 'networking.k8s.io', 'IngressClass', { spec: { controller: 'a.b/c' } }, { spec: { controller: 'none' } }, ['spec.controller: Invalid value: "none": field is immutable', 'spec.controller: Invalid value: "none": must be a domain-prefixed path (such as "acme.io/foo")']],
    ['volumeattributesclasses', 'storage.k8s.io', 'VolumeAttributesClass', { driverName: 'd', parameters: { a: 'b' } }, { driverName: '' }, ['driverName: Forbidden: updates to driverName are forbidden.', 'driverName: Required value']],
    ['services', '', 'Service', { spec: { type: 'LoadBalancer', ports: [{ port: 80 }], loadBalancerClass: 'a.b/c' } }, { spec: { loadBalancerClass: 'A B' } }, ['spec.loadBalancerClass: Invalid value: "A B": may not change once set', 'spec.loadBalancerClass: Invalid value: "A B": name part must']],
  ] as const;
  for (const [resource, group, name, fields, wrong, order] of table) {
    const kind = kindOf(resource, group);
    const namespace = kind.namespaced ? 'default' : '';
    const object = { apiVersion: group === '' ? 'v1' : `${group}/v1`, kind: name, metadata: { name: 'x', ...(kind.namespaced && { namespace }) }, ...fields };
    await registry.create(kind, object as never, write());
    const { message } = await refused(t, 'Invalid', () => registry.update(kind, { namespace, name: 'x' }, (current) => ({ ...current, ...wrong, ...('spec' in wrong && { spec: { ...(current as { spec?: object }).spec, ...wrong.spec } }) }) as never, write()));
    const places = order.map((words) => message.indexOf(words));
    t.ok(places.every((place, index) => place > (places[index - 1] ?? -1)), `${message} tells ${order.join(', then ')}`);
  }
});

t.test('an autoscaler whose policies are none has not the default ones', async (t) => {
  const { registry } = createScene();
  const kind = kindOf('horizontalpodautoscalers', 'autoscaling', 'v2');
  const scaler = (behavior: object): never => ({ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'x', namespace: 'default' }, spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'x', apiVersion: 'apps/v1' }, behavior } }) as never;
  for (const way of ['scaleUp', 'scaleDown']) {
    const { message } = await refused(t, 'Invalid', () => registry.create(kind, scaler({ [way]: { policies: [] } }), write()));
    t.equal(message, `HorizontalPodAutoscaler.autoscaling "x" is invalid: spec.behavior.${way}.policies: Required value: must specify at least one Policy`);
  }
  t.match(await registry.create(kind, scaler({ scaleUp: { policies: null } }), write()), { spec: { behavior: { scaleUp: { policies: [{ type: 'Pods', value: 4 }, { type: 'Percent' }] } } } });
});
