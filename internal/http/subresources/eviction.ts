// Eviction: a deletion that asks the pod's disruption budget first.
import { StatusError } from '../../base/errors.ts';
import { copy, formatTime, type KubeObject } from '../../api/meta.ts';
import type { DeleteOptions } from '../../api/request.ts';
import { selectorOf } from '../../api/selectors.ts';
import { forbidden } from '../../authz/forbidden.ts';
import type { Answer, Call, PipelineOptions } from '../call.ts';
import { admit, admitOnly } from '../stages.ts';

type Eviction = KubeObject & { deleteOptions?: DeleteOptions };
type Condition = { type: string; status: string; lastTransitionTime?: string; observedGeneration?: number; reason?: string; message?: string };
type Pod = KubeObject & { status?: { phase?: string; conditions?: Condition[] } };
type Budget = KubeObject & { spec?: { selector?: object; unhealthyPodEvictionPolicy?: string }; status?: { disruptionsAllowed?: number; observedGeneration?: number; currentHealthy?: number; desiredHealthy?: number; expectedPods?: number; disruptedPods?: Record<string, string>; conditions?: Condition[] } };

const ALLOWED = 'DisruptionAllowed';
const DISRUPTED_MAX = 2000;
const BUDGETS = { group: 'policy', resource: 'poddisruptionbudgets' };

export async function evict(options: PipelineOptions, call: Call): Promise<Answer> {
  const { request: { info }, kind, body } = call;
  const eviction = copy(body) as unknown as Eviction;
  const { deleteOptions = {}, metadata } = eviction;
  metadata.namespace ??= info.namespace;
  if (metadata.name !== info.name) throw new StatusError('BadRequest', 'name in URL does not match name in Eviction object');
  const key = { namespace: info.namespace, name: info.name };
  const request = { ...call.request, options: { ...call.request.options, delete: deleteOptions } };
  await admitOnly(request, options.admission, { kind, operation: 'CREATE', object: eviction });
  const pod = options.registry.get(kind, key) as Pod;
  const { context: { user, dryRun, subresource } } = admit(request, options.admission, { kind });
  const context = { user, dryRun, subresource };
  if (!mayGoFreely(pod)) await askBudget(options, { pod, call });
  if (!context.dryRun && pod.metadata.deletionTimestamp === undefined) await options.registry.update(kind, key, (current) => asTarget(current as Pod, options.clock.now()), { ...context, subresource: 'status' });
  await options.registry.delete(kind, key, deleteOptions, context);
  return { code: 201, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } };
}

/** Says on the pod why it ends, for whoever counts its failure (a Job's podFailurePolicy). */
function asTarget(current: Pod, now: number): Pod {
  const next = copy(current);
  const all = next.status?.conditions ?? [];
  const before = all.find(({ type }) => type === 'DisruptionTarget');
  const lastTransitionTime = before?.status === 'True' && before.lastTransitionTime !== undefined ? before.lastTransitionTime : formatTime(now);
  const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting', lastProbeTime: null, lastTransitionTime };
  next.status = { ...next.status, conditions: before === undefined ? [...all, condition] : all.map((one) => (one === before ? condition : one)) };
  return next;
}

function mayGoFreely({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined || ['Succeeded', 'Failed', 'Pending'].includes(status?.phase ?? '');
}

async function askBudget(options: PipelineOptions, { pod, call }: { pod: Pod; call: Call }): Promise<void> {
  const budgets: Budget[] = [];
  options.store.list(BUDGETS, {
    namespace: pod.metadata.namespace ?? '',
    visit(object) {
      if (selectorOf((object as Budget).spec?.selector as never).matches(pod.metadata.labels)) budgets.push(object as Budget);
      return true;
    },
  });
  const [budget, another] = budgets;
  if (budget === undefined) return;
  if (another !== undefined) throw new StatusError('InternalError', 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.');
  const { status = {}, spec } = budget;
  if (!isReady(pod) && (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow' || ((status.currentHealthy ?? 0) >= (status.desiredHealthy ?? 0) && (status.desiredHealthy ?? 0) > 0))) return;
  await take(options, { budget, pod, call });
}

/** Counts this disruption before the pod goes, so that two evictions at once do not both take the last one. */
async function take(options: PipelineOptions, { budget, pod, call }: { budget: Budget; pod: Pod; call: Call }): Promise<void> {
  const kind = options.kinds.byResource(BUDGETS.group, 'v1', BUDGETS.resource);
  if (kind === undefined) return;
  const { name, namespace = '' } = budget.metadata;
  const request = { ...call.request, info: { ...call.request.info, group: BUDGETS.group, version: 'v1', resource: BUDGETS.resource, name, subresource: 'status' } };
  const { context } = admit(request, options.admission, { kind });
  await options.registry.update(kind, { namespace, name }, (current) => disrupted(current as Budget, pod, options.clock.now()), context);
}

function disrupted(current: Budget, pod: Pod, now: number): Budget {
  const { name } = current.metadata;
  const status = current.status ?? {};
  if ((status.observedGeneration ?? 0) < (current.metadata.generation ?? 0)) throw tooMany(`The disruption budget ${name} is still being processed by the server.`, 10);
  const allowed = status.disruptionsAllowed ?? 0;
  if (Object.keys(status.disruptedPods ?? {}).length > DISRUPTED_MAX) throw forbidden({ group: BUDGETS.group, resource: 'poddisruptionbudget' }, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  if (allowed <= 0) throw tooMany(`The disruption budget ${name} ${whyNot(status)}`);
  const next = copy(current);
  next.status = { ...next.status, disruptionsAllowed: allowed - 1, disruptedPods: { ...status.disruptedPods, [pod.metadata.name]: formatTime(now) }, ...(allowed === 1 && { conditions: noneAllowed(status, now) }) };
  return next;
}

/** Counts of a budget that could not be kept are not to be trusted. */
function whyNot({ desiredHealthy = 0, currentHealthy = 0, conditions = [] }: NonNullable<Budget['status']>): string {
  const { reason = '', message = '' } = conditions.find(({ type, status }) => type === ALLOWED && status === 'False') ?? {};
  const not = 'does not allow evicting pods currently';
  if (message !== '' && reason === 'SyncFailed') return `${not} because it failed sync: ${message}`;
  if (currentHealthy <= desiredHealthy) return `needs ${String(desiredHealthy)} healthy pods and has ${String(currentHealthy)} currently`;
  return message === '' ? not : `${not} (${reason}): ${message}`;
}

function noneAllowed({ observedGeneration = 0, conditions = [] }: NonNullable<Budget['status']>, now: number): Condition[] {
  const before = conditions.find(({ type }) => type === ALLOWED);
  const lastTransitionTime = before?.status === 'False' && before.lastTransitionTime !== undefined ? before.lastTransitionTime : formatTime(now);
  const condition = { type: ALLOWED, status: 'False', observedGeneration, lastTransitionTime, reason: 'InsufficientPods', message: '' };
  return before === undefined ? [...conditions, condition] : conditions.map((one) => (one === before ? condition : one));
}

function tooMany(message: string, retryAfterSeconds?: number): StatusError {
  const causes = [{ reason: 'DisruptionBudget', message }];
  return new StatusError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", { details: { causes, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) } });
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
}
