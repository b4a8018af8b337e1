// LimitRanges: what they give and refuse; a pod without containers must come through them to validation, which has the word.
import t from 'tap';
import { messageOf } from '../../../internal/base/errors.ts';
import { LIMITRANGES, NAMESPACES, PODS, SERVICEACCOUNTS } from '../../../internal/kinds/generated/resources.ts';
import { startApiServer } from '../../support/api-server.ts';

const server = await startApiServer();
t.teardown(() => server.remove());
const { admin } = server;
const namespace = 'limited';
await admin.create(NAMESPACES, { metadata: { name: namespace } } as never);
await admin.create(SERVICEACCOUNTS, { metadata: { name: 'default', namespace } } as never);
await admin.create(LIMITRANGES, { metadata: { name: 'limits', namespace }, spec: { limits: [{ type: 'Container', default: { cpu: '1' }, max: { cpu: '2' } }] } } as never);

for (const [what, spec] of Object.entries({ 'no spec': undefined, 'no containers': {}, 'null containers': { containers: null }, 'resources alone': { resources: { limits: { cpu: '1' } } } })) {
  t.test(`a pod of ${what} lacks containers, and nothing breaks on the way`, async (t) => {
    const refusal = await admin.create(PODS, { metadata: { name: 'marker', namespace }, ...(spec !== undefined && { spec }) } as never).then(() => 'created', messageOf);
    t.equal(refusal, 'Pod "marker" is invalid: spec.containers: Required value');
  });
}

t.test('one container gets what it did not say, another asks too much', async (t) => {
  const pod = (name: string, resources?: object): never => ({ metadata: { name, namespace }, spec: { containers: [{ name: 'c', image: 'i', ...(resources && { resources }) }] } }) as never;
  t.match(await admin.create(PODS, pod('modest')), { spec: { containers: [{ resources: { limits: { cpu: '1' } } }] } });
  t.match(await admin.create(PODS, pod('greedy', { limits: { cpu: '3' } })).then(() => 'created', messageOf), /maximum cpu usage per Container is 2, but limit is 3/);
});
