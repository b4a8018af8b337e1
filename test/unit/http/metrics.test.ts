// What scrapers read: names, labels and buckets as upstream's, and nothing that who asks could fill with names of their own.
import t from 'tap';
import { createMetrics } from '../../../internal/http/metrics.ts';
import { requestInfo } from '../../../internal/http/route.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import { loadKinds } from '../../../internal/kinds/index.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const kinds = loadKinds(loadSchemas());

function metrics(): ReturnType<typeof createMetrics> {
  return createMetrics({ clock: createFakeClock(), kinds, store: { count: ({ resource }) => (resource === 'pods' ? 3 : 0) }, gauges: () => ({ 'a{b="c"}': 1, 'a{b="d"}': 2 }) });
}

function answered(method: string, path: string, more: { applies?: boolean; dryRun?: boolean; code?: number } = {}): Parameters<ReturnType<typeof createMetrics>['count']>[0] {
  const [bare = '', query] = path.split('?');
  return { info: requestInfo(method, bare, query === undefined ? undefined : new URLSearchParams(query)), code: 200, startedMs: 0, applies: false, dryRun: false, ...more };
}

t.test('requests are told by upstream’s labels', async (t) => {
  const counted = metrics();
  for (const one of [answered('GET', '/api/v1/pods'), answered('GET', '/api/v1/namespaces/a/pods?watch=1'), answered('PATCH', '/apis/apps/v1/namespaces/a/deployments/b', { applies: true, dryRun: true }), answered('GET', '/api/v1/namespaces/a/pods/b/log'), answered('GET', '/healthz')]) counted.count(one);
  const lines = counted.text().split('\n').filter((line) => line.startsWith('apiserver_request_total{')).map((line) => line.slice('apiserver_request_total{'.length));
  t.same(lines, [
    'code="200",component="apiserver",dry_run="",group="",resource="pods",scope="cluster",subresource="",verb="LIST",version="v1"} 1',
    'code="200",component="apiserver",dry_run="",group="",resource="pods",scope="namespace",subresource="",verb="WATCH",version="v1"} 1',
    'code="200",component="apiserver",dry_run="All",group="apps",resource="deployments",scope="resource",subresource="",verb="APPLY",version="v1"} 1',
    'code="200",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="log",verb="CONNECT",version="v1"} 1',
    'code="200",component="",dry_run="",group="",resource="",scope="",subresource="/healthz",verb="GET",version=""} 1',
  ]);
});

t.test('buckets sum up; what lasts is in no service level', async (t) => {
  const counted = metrics();
  for (const one of [answered('GET', '/api/v1/pods'), answered('GET', '/api/v1/pods'), answered('GET', '/api/v1/pods?watch=1')]) counted.count(one);
  const text = counted.text();
  t.match(text, /apiserver_request_duration_seconds_bucket\{[^}]*verb="LIST"[^}]*le="\+Inf"\} 2/);
  t.match(text, /apiserver_request_sli_duration_seconds_count\{[^}]*verb="LIST"[^}]*\} 2/);
  t.notMatch(text, /apiserver_request_sli_duration_seconds_count\{[^}]*verb="WATCH"/);
  t.match(text, /apiserver_request_duration_seconds_count\{[^}]*verb="WATCH"/);
});

t.test('names that are nothing here are not counted, however many are asked for', async (t) => {
  const counted = metrics();
  for (let index = 0; index < 3000; index++) counted.count(answered('GET', `/api/v1/"x${String(index)}\n`));
  counted.count(answered('GET', '/nothing'));
  t.notMatch(counted.text(), /x\d|nothing/);
});

t.test('what lasts is a gauge, stored objects are counted by both names, a family is announced once', async (t) => {
  const counted = metrics();
  const end = counted.lasts(requestInfo('GET', '/api/v1/pods', new URLSearchParams('watch=1')));
  t.match(counted.text(), /apiserver_longrunning_requests\{[^}]*verb="WATCH"[^}]*\} 1/);
  end();
  const text = counted.text();
  t.match(text, /apiserver_longrunning_requests\{[^}]*verb="WATCH"[^}]*\} 0/);
  t.match(text, 'apiserver_storage_objects{resource="pods"} 3');
  t.match(text, 'apiserver_resource_objects{group="apps",resource="deployments"} 0');
  t.equal(text.match(/^# TYPE a gauge$/gm)?.length, 1);
});
