// Evictions that are meant: what a pod's disruption budget says of them, by its status and by the pod's own.
import type { Row } from '../exchange.ts';
import { get, NS, patch, pod, post, remove } from '../rows.ts';

const BUDGETS = '/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets';
const budget = (name: string, status: object): Row => patch(`evict: ${name}`, `${BUDGETS}/ev/status`, { status: { expectedPods: 3, currentHealthy: 3, desiredHealthy: 1, disruptionsAllowed: 0, ...status } }, 'merge');
const budgetOf = (name: string, spec: object): object => ({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name }, spec: { selector: { matchLabels: { ev: 'yes' } }, ...spec } });
const evict = (name: string, of: string, more: object = {}): Row => post(`evict: ${name}`, `${NS}/pods/${of}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: of }, ...more });
const made = (name: string): Row => post(`evict: pod ${name}`, `${NS}/pods`, pod(name, {}, { labels: { ev: 'yes' } }));
const bound = (name: string): Row => post(`evict: bind ${name}`, `${NS}/pods/${name}/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target: { kind: 'Node', name: '{ns}' } });
const running = (name: string, more: object = {}): Row => patch(`evict: ${name} runs`, `${NS}/pods/${name}/status`, { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], ...more } }, 'merge');

export const EVICTIONS: readonly Row[] = [
  post('evict: budget', BUDGETS, budgetOf('ev', { minAvailable: 1 })),
  made('e1'), made('e2'), made('e3'), made('e4'), made('e5'), made('e6'), made('e7'),
  bound('e2'), bound('e3'), bound('e4'), bound('e5'), bound('e6'), running('e2'), running('e3'), running('e4'), running('e5', { phase: 'Succeeded' }), running('e6', { conditions: [{ type: 'Ready', status: 'False' }] }),
  evict('pending goes', 'e1'), get('evict: e1', `${NS}/pods/e1`),
  budget('nothing allowed, unobserved', {}),
  evict('none allowed, unobserved', 'e2'),
  budget('nothing allowed', { observedGeneration: 1 }),
  evict('none allowed', 'e2'), evict('none allowed, uid', 'e2', { deleteOptions: { preconditions: { uid: 'x' } } }), evict('none allowed, dry', 'e2', { deleteOptions: { dryRun: ['All'] } }), evict('unready', 'e6'), get('evict: e6', `${NS}/pods/e6`),
  evict('ended', 'e5'), get('evict: e5', `${NS}/pods/e5`),
  budget('less than nothing', { observedGeneration: 1, disruptionsAllowed: -1 }),
  budget('one allowed', { observedGeneration: 1, disruptionsAllowed: 1 }),
  evict('allowed', 'e2'), get('evict: e2', `${NS}/pods/e2`), get('evict: budget after', `${BUDGETS}/ev`), evict('again', 'e2'), evict('another', 'e3'),
  budget('fewer healthy', { observedGeneration: 1, currentHealthy: 0, desiredHealthy: 1, disruptedPods: null }), evict('healthy less', 'e3'),
  post('evict: second budget', BUDGETS, budgetOf('ev2', { maxUnavailable: 1 })),
  evict('two budgets', 'e3'), evict('two budgets, pending', 'e7'),
  remove('evict: second gone', `${BUDGETS}/ev2`),
  patch('evict: always', `${BUDGETS}/ev`, { spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } }, 'merge'), patch('evict: e3 unready', `${NS}/pods/e3/status`, { status: { conditions: [{ type: 'Ready', status: 'False' }] } }, 'merge'),
  evict('unready, always', 'e3'), get('evict: e3', `${NS}/pods/e3`),
  patch('evict: odd policy', `${BUDGETS}/ev`, { spec: { unhealthyPodEvictionPolicy: 'Odd' } }, 'merge'),
  patch('evict: both', `${BUDGETS}/ev`, { spec: { maxUnavailable: 1 } }, 'merge'),
  evict('grace', 'e4', { deleteOptions: { gracePeriodSeconds: 7, propagationPolicy: 'Odd' } }), evict('bad dry run', 'e4', { deleteOptions: { dryRun: ['x'] } }), evict('as v1beta1', 'e4', { apiVersion: 'policy/v1beta1' }), 
  { ...evict('options in the path', 'e4'), path: `${NS}/pods/e4/eviction?dryRun=All&fieldManager=x&fieldValidation=Odd` },
  evict('stale', 'e4', { deleteOptions: { preconditions: { resourceVersion: '1' } } }),
  evict('no name', 'e4', { metadata: {} }),
  budget('failed to sync', { observedGeneration: 5, conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message: 'why', lastTransitionTime: '2026-01-01T00:00:00Z' }] }),
  made('e8'), bound('e8'), running('e8'), evict('failed to sync, evicted', 'e8'),
  budget('another reason', { observedGeneration: 9, conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'Odd', message: 'why', lastTransitionTime: '2026-01-01T00:00:00Z' }] }), evict('another reason, evicted', 'e8'),
  budget('one again', { observedGeneration: 9, disruptionsAllowed: 1, conditions: [{ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }] }), evict('one again, evicted', 'e8'), get('evict: budget after one again', `${BUDGETS}/ev`),
  ...['e2', 'e3', 'e4', 'e7', 'e8'].map((name) => remove(`evict: ${name} gone`, `${NS}/pods/${name}?gracePeriodSeconds=0`)),
  remove('evict: budget gone', `${BUDGETS}/ev`),
];
