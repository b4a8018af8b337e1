// What FlowSchemas are told of their priority levels.
import t from 'tap';
import { plan } from '../../../internal/controllers/flow-schemas.ts';
import type { FlowSchema } from '../../../internal/kinds/generated/api-types.ts';

type Condition = NonNullable<NonNullable<FlowSchema['status']>['conditions']>[number];
const NOW = Date.UTC(2026, 0, 1);
const FOUND = { type: 'Dangling', status: 'False', reason: 'Found', message: 'This FlowSchema references the PriorityLevelConfiguration object named "low" and it exists', lastTransitionTime: '2026-01-01T00:00:00Z' };
const schema = (...conditions: Condition[]): FlowSchema => ({ metadata: { name: 'one' }, spec: { priorityLevelConfiguration: { name: 'low' } }, status: { conditions } }) as unknown as FlowSchema;
const told = (conditions: object[]): object => ({ actions: [{ type: 'patch', key: { namespace: '', name: 'one' }, subresource: 'status', patch: { type: 'merge', body: { status: { conditions } } } }] });

void t.test('a level that is there, one that is not, and what is known already', (t) => {
  const other: Condition = { type: 'Other', status: 'True' };
  t.match(plan({ schema: schema(), isThere: true }, NOW), told([FOUND]));
  t.match(plan({ schema: schema(other, FOUND), isThere: false }, NOW), told([other, { type: 'Dangling', status: 'True', reason: 'NotFound', message: 'This FlowSchema references the PriorityLevelConfiguration object named "low" but there is no such object' }]));
  t.same(plan({ schema: schema(FOUND), isThere: true }, NOW + 1000), { actions: [] });
  t.end();
});
