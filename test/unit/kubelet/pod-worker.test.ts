// Pods' lives, told by what the API shows of them.
import t, { type Test } from 'tap';
import { isReason } from '../../../internal/base/errors.ts';
import { PODS } from '../../../internal/kinds/generated/resources.ts';
import { createScene, type Scene } from './scene.ts';

async function scene(t: Test): Promise<Scene> {
  const made = await createScene();
  t.teardown(() => made.stop());
  return made;
}

t.test('a pod runs, and its status says so', async (t) => {
  const s = await scene(t);
  await s.create('web', { containers: [{ name: 'main', image: 'app:1' }] });
  await s.rest();
  const { status } = await s.pod('web');
  t.equal(status?.phase, 'Running');
  t.match(status, { podIP: /^10\.42\./, hostIP: '192.0.2.1', qosClass: 'BestEffort', observedGeneration: 1 });
  t.match(status?.containerStatuses, [{ name: 'main', ready: true, started: true, restartCount: 0, image: 'app:1', imageID: 'app:1@sha256:1', containerID: /^memory:\/\//, state: { running: {} } }]);
  const conditions = Object.fromEntries((status?.conditions ?? []).map(({ type, status }) => [type, status]));
  t.same(conditions, { PodReadyToStartContainers: 'True', Initialized: 'True', Ready: 'True', ContainersReady: 'True', PodScheduled: 'True' });
  t.same(s.events, [
    'Normal Pulled web/main: Container image "app:1" already present on machine and can be accessed by the pod', 'Normal Created web/main: Container created', 'Normal Started web/main: Container started',
  ]);
});

t.test('an exit that asks for it has the whole pod begin again', async (t) => {
  const s = await scene(t);
  const rules = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }];
  await s.create('web', { restartPolicy: 'Never', initContainers: [{ name: 'init', image: 'app:1' }], containers: [{ name: 'a', image: 'app:1', restartPolicy: 'Never', restartPolicyRules: rules }, { name: 'b', image: 'app:1' }] });
  await s.rest();
  s.runtime.exit('init', 0);
  await s.rest();
  t.same(s.runtime.running(), ['a', 'b']);
  s.runtime.exit('a', 42);
  await s.rest();
  t.same(s.runtime.running(), ['init'], 'from the beginning');
  s.runtime.exit('init', 0);
  await s.rest();
  t.same(s.runtime.running(), ['a', 'b']);
  const { status } = await s.pod('web');
  t.match(status, { phase: 'Running', initContainerStatuses: [{ restartCount: 1 }], containerStatuses: [{ name: 'a', restartCount: 1, lastState: { terminated: { exitCode: 137, reason: 'RestartingAllContainers' } } }, { name: 'b', restartCount: 1 }] });
  t.match(status?.conditions?.find(({ type }) => type === 'AllContainersRestarting'), { status: 'False' });
  t.same(s.events.filter((event) => event.includes('BackOff')), [], 'at once');
  s.runtime.exit('a', 42);
  await s.rest();
  t.match((await s.pod('web')).status, { phase: 'Running', containerStatuses: [{ name: 'a', state: { waiting: { reason: 'CrashLoopBackOff' } } }, { name: 'b', state: { running: {} } }] }, 'the second time it waits');
  while (!s.runtime.running().includes('init')) {
    await s.clock.runNext();
    await s.rest();
  }
  t.match((await s.pod('web')).status, { phase: 'Pending', containerStatuses: [{ name: 'a' }, { name: 'b', restartCount: 2, state: { waiting: { reason: 'PodInitializing' } } }] });
  s.runtime.exit('init', 0);
  await s.rest();
  t.match((await s.pod('web')).status, { phase: 'Running', initContainerStatuses: [{ restartCount: 2 }], containerStatuses: [{ name: 'a', restartCount: 2 }, { name: 'b', restartCount: 2 }] });
});

t.test('a container that ends is started again with growing back-off', async (t) => {
  const s = await scene(t);
  await s.create('web', { containers: [{ name: 'main', image: 'app:1' }] });
  await s.rest();
  s.runtime.exit('main', 3);
  await s.rest();
  t.same((await s.pod('web')).status?.containerStatuses?.[0]?.restartCount, 1, 'the first restart is at once');
  s.runtime.exit('main', 3);
  await s.rest();
  let { status } = await s.pod('web');
  t.match(status?.containerStatuses?.[0], { restartCount: 1, ready: false, state: { waiting: { reason: 'CrashLoopBackOff', message: /^back-off 10s restarting failed container=main pod=web_default\(/ } }, lastState: { terminated: { exitCode: 3, reason: 'Error' } } });
  t.equal(status?.phase, 'Running');
  t.match(status?.conditions?.find(({ type }) => type === 'Ready'), { status: 'False', reason: 'ContainersNotReady', message: 'containers with unready status: [main]' });
  await s.clock.advance(9_000);
  t.same(s.runtime.running(), []);
  await s.clock.advance(2_000);
  await s.rest();
  t.same(s.runtime.running(), ['main']);
  s.runtime.exit('main', 3);
  await s.rest();
  ({ status } = await s.pod('web'));
  t.match(status?.containerStatuses?.[0]?.state?.waiting?.message, /^back-off 20s /);
});

t.test('a pod that is to run once succeeds or fails', async (t) => {
  const s = await scene(t);
  await s.create('good', { restartPolicy: 'Never', containers: [{ name: 'a', image: 'app:1' }] });
  await s.create('bad', { restartPolicy: 'Never', containers: [{ name: 'b', image: 'app:1' }] });
  await s.rest();
  s.runtime.exit('a', 0);
  s.runtime.exit('b', 2);
  await s.rest();
  t.match((await s.pod('good')).status, { phase: 'Succeeded', containerStatuses: [{ state: { terminated: { exitCode: 0, reason: 'Completed' } }, ready: false }] });
  t.match((await s.pod('bad')).status, { phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 2, reason: 'Error' } } }] });
  t.ok(s.runtime.calls.includes('stop-sandbox good'));
  const ready = (await s.pod('good')).status?.conditions?.find(({ type }) => type === 'Ready');
  t.match(ready, { status: 'False', reason: 'PodCompleted' });
});

t.test('init containers run one after the other; sidecars stay and are stopped last', async (t) => {
  const s = await scene(t);
  await s.create('web', { initContainers: [{ name: 'one', image: 'app:1' }, { name: 'side', image: 'app:1', restartPolicy: 'Always' }, { name: 'two', image: 'app:1' }], containers: [{ name: 'main', image: 'app:1' }] });
  await s.rest();
  t.same(s.runtime.running(), ['one']);
  t.match((await s.pod('web')).status, { phase: 'Pending', containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }] });
  s.runtime.exit('one', 0);
  await s.rest();
  t.same(s.runtime.running(), ['side', 'two']);
  s.runtime.exit('two', 0);
  await s.rest();
  t.same(s.runtime.running(), ['side', 'main']);
  t.equal((await s.pod('web')).status?.phase, 'Running');
  s.runtime.calls.splice(0);
  await s.client.delete(PODS, { namespace: 'default', name: 'web' });
  await s.rest();
  t.same(s.runtime.calls.map((call) => call.split(' ').slice(0, 2).join(' ')), ['stop main', 'stop side', 'stop-sandbox web']);
  t.ok(await s.pod('web').then(() => false, (error: unknown) => isReason(error, 'NotFound')));
});

t.test('at the end of a pod its sidecars are told at once, and their hooks run while they wait for their turn', async (t) => {
  const s = await scene(t);
  s.runtime.stubborn.add('main');
  const hooked: string[] = [];
  const { exec } = s.runtime;
  s.runtime.exec = (id, options) => {
    hooked.push(options.command.join(' '));
    return exec(id, options);
  };
  await s.create('web', { terminationGracePeriodSeconds: 20, initContainers: [{ name: 'side', image: 'app:1', restartPolicy: 'Always', lifecycle: { preStop: { exec: { command: ['say', 'goodbye'] } } } }], containers: [{ name: 'main', image: 'app:1' }] });
  await s.rest();
  s.runtime.calls.splice(0);
  await s.client.delete(PODS, { namespace: 'default', name: 'web' });
  await s.rest();
  t.same([s.runtime.calls, hooked], [['stop main 20000'], ['say goodbye']]);
  t.same(s.events.filter((event) => event.includes('Killing')), ['Normal Killing web/main: Stopping container main', 'Normal Killing web/side: Stopping container side']);
  while (s.runtime.running().length > 0) {
    await s.clock.runNext();
    await s.rest();
  }
  t.same([s.runtime.calls.filter((call) => call.startsWith('stop side')).length, hooked.length, s.events.filter((event) => event.includes('Killing')).length], [1, 1, 2], 'once');
});

t.test('a sidecar has not started as long as its postStart hook runs', async (t) => {
  const s = await scene(t);
  const hook = Promise.withResolvers<number>();
  s.runtime.exec = () => hook.promise;
  await s.create('web', { initContainers: [{ name: 'side', image: 'app:1', restartPolicy: 'Always', lifecycle: { postStart: { exec: { command: ['late'] } } } }], containers: [{ name: 'main', image: 'app:1' }] });
  await s.rest();
  t.same(s.runtime.running(), ['side']);
  t.match((await s.pod('web')).status, { phase: 'Pending', initContainerStatuses: [{ ready: false, state: { waiting: { reason: 'PodInitializing' } } }] });
  hook.resolve(0);
  await s.rest();
  t.same(s.runtime.running(), ['side', 'main']);
  t.match((await s.pod('web')).status, { phase: 'Running', initContainerStatuses: [{ ready: true, started: true }] });
});

t.test('containers wait for the postStart hook of one before them, and go on where it fails', async (t) => {
  for (const code of [0, 1]) {
    const s = await scene(t);
    const hook = Promise.withResolvers<number>();
    s.runtime.exec = () => hook.promise;
    await s.create('web', { containers: [{ name: 'proxy', image: 'app:1', lifecycle: { postStart: { exec: { command: ['up'] } } } }, { name: 'main', image: 'app:1' }, { name: 'more', image: 'app:1' }] });
    await s.rest();
    t.same(s.runtime.running(), ['proxy']);
    t.match((await s.pod('web')).status, { containerStatuses: [{ name: 'main', state: { waiting: { reason: 'ContainerCreating' } } }, { name: 'more' }, { name: 'proxy' }] });
    hook.resolve(code);
    await s.rest();
    t.same(s.runtime.running(), code === 0 ? ['proxy', 'main', 'more'] : ['main', 'more']);
  }
});

t.test('an init container that fails for good fails the pod', async (t) => {
  const s = await scene(t);
  await s.create('web', { restartPolicy: 'Never', initContainers: [{ name: 'one', image: 'app:1' }], containers: [{ name: 'main', image: 'app:1' }] });
  await s.rest();
  s.runtime.exit('one', 1);
  await s.rest();
  t.match((await s.pod('web')).status, { phase: 'Failed', initContainerStatuses: [{ state: { terminated: { exitCode: 1 } } }], containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }] });
});

t.test('a deletion gives the containers their grace, and a second one less', async (t) => {
  const s = await scene(t);
  s.runtime.stubborn.add('main');
  await s.create('web', { terminationGracePeriodSeconds: 100, containers: [{ name: 'main', image: 'app:1' }] });
  await s.rest();
  await s.client.delete(PODS, { namespace: 'default', name: 'web' });
  await s.rest();
  t.ok(s.runtime.calls.includes('stop main 100000'));
  await s.clock.advance(10_000);
  t.same(s.runtime.running(), ['main']);
  await s.client.delete(PODS, { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 5 });
  await s.rest();
  t.ok(s.runtime.calls.includes('stop main 5000'), s.runtime.calls.join());
  await s.clock.advance(6_000);
  await s.rest();
  t.same(s.runtime.running(), []);
  const gone = await s.pod('web').then(() => false, (error: unknown) => isReason(error, 'NotFound'));
  t.ok(gone);
});

t.test('a pod past its deadline fails', async (t) => {
  const s = await scene(t);
  await s.create('web', { activeDeadlineSeconds: 60, containers: [{ name: 'main', image: 'app:1' }] });
  await s.rest();
  await s.clock.advance(61_000);
  await s.rest();
  t.match((await s.pod('web')).status, { phase: 'Failed', reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' });
  t.same(s.runtime.running(), []);
});

t.test('an image that cannot be pulled is tried again with back-off', async (t) => {
  const s = await scene(t);
  await s.create('web', { containers: [{ name: 'main', image: 'missing' }] });
  await s.rest();
  t.match((await s.pod('web')).status?.containerStatuses?.[0]?.state?.waiting, { reason: 'ErrImagePull', message: 'not found' });
  await s.clock.advance(1_500);
  await s.rest();
  t.match((await s.pod('web')).status?.containerStatuses?.[0]?.state?.waiting, { reason: 'ImagePullBackOff', message: 'Back-off pulling image "missing": ErrImagePull: not found' });
  t.same(s.images.pulls.length, 1);
  await s.clock.advance(10_000);
  await s.rest();
  t.same(s.images.pulls.length, 2);
  t.equal((await s.pod('web')).status?.phase, 'Pending');
});

t.test('a missing ConfigMap keeps the container waiting until it is there', async (t) => {
  const s = await scene(t);
  await s.create('web', { containers: [{ name: 'main', image: 'app:1', env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'conf', key: 'a' } } }] }] });
  await s.rest();
  t.match((await s.pod('web')).status?.containerStatuses?.[0]?.state?.waiting, { reason: 'CreateContainerConfigError', message: 'configmap "conf" not found' });
  const { CONFIGMAPS } = await import('../../../internal/kinds/generated/resources.ts');
  await s.client.create(CONFIGMAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'conf', namespace: 'default' }, data: { a: 'b' } });
  await s.clock.advance(11_000);
  await s.rest();
  const [container] = s.runtime.listContainers();
  t.same(container?.config.env.find(({ name }) => name === 'A'), { name: 'A', value: 'b' });
});

t.test('after a restart of Skiff running containers are adopted, exits meanwhile are told, and strangers go', async (t) => {
  const s = await scene(t);
  await s.create('keep', { containers: [{ name: 'main', image: 'app:1' }] });
  await s.create('once', { restartPolicy: 'Never', containers: [{ name: 'job', image: 'app:1' }] });
  await s.create('forced', { containers: [{ name: 'old', image: 'app:1' }] });
  await s.rest();
  const before = s.runtime.listContainers().find(({ config }) => config.name === 'main')?.id;
  s.pods().stop();
  s.runtime.exit('job', 7);
  await s.client.delete(PODS, { namespace: 'default', name: 'forced' }, { gracePeriodSeconds: 0 });
  s.restart();
  await s.rest();
  t.same(s.runtime.running(), ['main']);
  t.equal(s.runtime.listContainers().find(({ config }) => config.name === 'main')?.id, before);
  t.match((await s.pod('once')).status, { phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 7 } } }] });
  t.match((await s.pod('keep')).status, { phase: 'Running', containerStatuses: [{ ready: true, restartCount: 0 }] });
});

t.test('liveness kills and restarts, readiness shows, and the Events tell', async (t) => {
  const s = await scene(t);
  const exec = (command: string) => ({ exec: { command: [command] }, periodSeconds: 1, failureThreshold: 2 });
  s.runtime.execs.set('alive', 0);
  s.runtime.execs.set('ready', 1);
  await s.create('web', { containers: [{ name: 'main', image: 'app:1', livenessProbe: exec('alive'), readinessProbe: exec('ready') }] });
  await s.rest();
  t.equal((await s.pod('web')).status?.containerStatuses?.[0]?.ready, false);
  s.runtime.execs.set('ready', 0);
  await s.clock.advance(1_100);
  await s.rest();
  t.equal((await s.pod('web')).status?.containerStatuses?.[0]?.ready, true);
  s.runtime.execs.set('alive', 1);
  await s.clock.advance(2_100);
  await s.rest();
  t.match((await s.pod('web')).status?.containerStatuses?.[0], { restartCount: 1, lastState: { terminated: { exitCode: 143 } } });
  t.ok(s.events.includes('Warning Unhealthy web/main: Liveness probe failed: '));
  t.ok(s.events.includes('Normal Killing web/main: Container main failed liveness probe, will be restarted'));
});

t.test('what a probe had ended is judged by the end before that one: the third start waits no more than the second', async (t) => {
  const s = await scene(t);
  s.runtime.execs.set('alive', 1);
  await s.create('web', { containers: [{ name: 'main', image: 'app:1', livenessProbe: { exec: { command: ['alive'] }, initialDelaySeconds: 1, periodSeconds: 1, failureThreshold: 1 } }] });
  const shown = async (): Promise<unknown> => {
    await s.rest();
    const [{ restartCount, state } = { restartCount: -1 }] = (await s.pod('web')).status?.containerStatuses ?? [];
    return `${String(restartCount)} ${state?.waiting?.message?.split(' restarting')[0] ?? 'running'}`;
  };
  const seen: unknown[] = [await shown()];
  for (let second = 0; second < 4; second++) {
    await s.clock.advance(1_100);
    seen.push(await shown());
  }
  t.same([...new Set(seen)], ['0 running', '1 running', '2 running', '2 back-off 10s']);
  await s.clock.advance(8_000);
  t.equal(await shown(), '2 back-off 10s', 'and then by its own');
  await s.clock.advance(2_000);
  t.match(await shown(), /^3/);
});

t.test('a deadline that comes in the midst of a turn is not missed', async (t) => {
  const s = await scene(t);
  await s.create('web', { activeDeadlineSeconds: 60, containers: [{ name: 'main', image: 'app:1' }] });
  await s.rest();
  const { now } = s.clock;
  const due = Date.parse((await s.pod('web')).status?.startTime ?? '') + 60_000;
  let isEarly = true;
  s.clock.now = () => {
    const early = now() >= due && isEarly;
    if (early) isEarly = false;
    return early ? due - 1 : now(); // the timer, by another clock than this one, was a millisecond early
  };
  await s.clock.advance(61_000);
  await s.rest();
  t.notOk(isEarly);
  t.match((await s.pod('web')).status, { phase: 'Failed', reason: 'DeadlineExceeded' });
});

t.test('a pod whose deadline passes while a container waits to be started again does not know what became of it', async (t) => {
  const s = await scene(t);
  await s.create('web', { activeDeadlineSeconds: 5, containers: [{ name: 'main', image: 'app:1' }] });
  await s.rest();
  for (const code of [3, 3]) {
    s.runtime.exit('main', code);
    await s.rest();
  }
  await s.clock.advance(6_000);
  await s.rest();
  t.match((await s.pod('web')).status, { phase: 'Failed', reason: 'DeadlineExceeded', containerStatuses: [{ restartCount: 1, state: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } }, lastState: { terminated: { exitCode: 3 } } }] });
});
