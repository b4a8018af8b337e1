// How fast replicas may change: pure, from what was wanted and done of late (upstream: podautoscaler/horizontal.go). Recommendations of a while are kept so that
// a short lull takes nothing away; changes of a while, so that the policies' rates hold.
import type { HorizontalPodAutoscalerAutoscalingV2 as Autoscaler, HPAScalingRules } from '../../kinds/generated/api-types.ts';

export interface History {
  recommendations: { at: number; replicas: number }[];
  ups: { at: number; change: number }[];
  downs: { at: number; change: number }[];
}

export interface Limited {
  replicas: number;
  /** Of AbleToScale, and of ScalingLimited. */
  able: { reason: string; message: string };
  limited: { status: 'True' | 'False'; reason: string; message: string };
}

interface Wish {
  current: number;
  desired: number;
  min: number;
  max: number;
}
type Bounded = { replicas: number; reason: string; message: string };
type Rules = Required<Pick<HPAScalingRules, 'policies' | 'selectPolicy' | 'stabilizationWindowSeconds'>>;

const DOWN_WINDOW_MS = 300_000;
const UP_FACTOR = 2;
const UP_LEAST = 4;
const SCALE_UP: Rules = { stabilizationWindowSeconds: 0, selectPolicy: 'Max', policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }, { type: 'Percent', value: 100, periodSeconds: 15 }] };
const SCALE_DOWN: Rules = { stabilizationWindowSeconds: DOWN_WINDOW_MS / 1000, selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] };
const TEXT = {
  higher: 'recent recommendations were higher than current one, applying the highest recent recommendation',
  lower: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
  matches: 'recommended size matches current size',
  within: 'the desired count is within the acceptable range',
  tooFast: 'the desired replica count is increasing faster than the maximum scale rate',
  tooFastDown: 'the desired replica count is decreasing faster than the maximum scale rate',
  tooMany: 'the desired replica count is more than the maximum replica count',
  tooFew: 'the desired replica count is less than the minimum replica count',
};

export function newHistory(replicas: number, now: number): History {
  return { recommendations: [{ at: now, replicas }], ups: [], downs: [] };
}

/** Notes the wish in the history. */
export function limit({ spec }: Autoscaler, wish: Wish, history: History, now: number): Limited {
  const { behavior } = spec;
  const [up, down] = [rulesOf(behavior?.scaleUp, SCALE_UP), rulesOf(behavior?.scaleDown, SCALE_DOWN)];
  const stable = behavior === undefined ? stabilizedDown(wish, history, now) : stabilized(wish, history, { up, down, now });
  const bounded = behavior === undefined ? bound({ ...wish, desired: stable }) : boundByRates({ ...wish, desired: stable }, history, { up, down, now });
  const longestMs = Math.max(DOWN_WINDOW_MS, up.stabilizationWindowSeconds * 1000, down.stabilizationWindowSeconds * 1000);
  history.recommendations = [...history.recommendations.filter(({ at }) => now - at < longestMs), { at: now, replicas: wish.desired }];
  const ready = { reason: 'ReadyForNewScale', message: TEXT.matches };
  const isUp = behavior !== undefined && wish.desired >= wish.current;
  const held = isUp ? { reason: 'ScaleUpStabilized', message: TEXT.lower } : { reason: 'ScaleDownStabilized', message: TEXT.higher };
  const { replicas, reason, message } = bounded;
  return { replicas, able: stable === wish.desired ? ready : held, limited: { status: replicas === stable ? 'False' : 'True', reason, message } };
}

/** Notes what was done. */
export function noteChange({ spec: { behavior } }: Autoscaler, history: History, { from, to, now }: { from: number; to: number; now: number }): void {
  if (behavior === undefined) return;
  const keep = (events: History['ups'], rules: Rules): History['ups'] => events.filter(({ at }) => now - at < Math.max(...rules.policies.map(({ periodSeconds }) => periodSeconds)) * 1000);
  if (to > from) history.ups = [...keep(history.ups, rulesOf(behavior.scaleUp, SCALE_UP)), { at: now, change: to - from }];
  else history.downs = [...keep(history.downs, rulesOf(behavior.scaleDown, SCALE_DOWN)), { at: now, change: from - to }];
}

function rulesOf(given: HPAScalingRules | undefined, usual: Rules): Rules {
  const { policies = usual.policies, selectPolicy = usual.selectPolicy, stabilizationWindowSeconds = usual.stabilizationWindowSeconds } = given ?? {};
  return { policies: policies.length === 0 ? usual.policies : policies, selectPolicy, stabilizationWindowSeconds };
}

function stabilizedDown({ desired }: Wish, { recommendations }: History, now: number): number {
  return Math.max(desired, ...recommendations.filter(({ at }) => at >= now - DOWN_WINDOW_MS).map(({ replicas }) => replicas));
}

/** As little up and as little down as was recommended within each window. */
function stabilized({ current, desired }: Wish, { recommendations }: History, { up, down, now }: { up: Rules; down: Rules; now: number }): number {
  const within = ({ stabilizationWindowSeconds }: Rules): number[] => recommendations.filter(({ at }) => at > now - stabilizationWindowSeconds * 1000).map(({ replicas }) => replicas);
  const least = Math.min(desired, ...within(up));
  const most = Math.max(desired, ...within(down));
  return Math.min(Math.max(current, least), most);
}

function bound({ current, desired, min, max }: Wish): Bounded {
  const fastest = Math.max(UP_FACTOR * current, UP_LEAST);
  if (desired < min) return { replicas: min, reason: 'TooFewReplicas', message: TEXT.tooFew };
  if (desired > Math.min(max, fastest)) return max > fastest ? { replicas: fastest, reason: 'ScaleUpLimit', message: TEXT.tooFast } : { replicas: max, reason: 'TooManyReplicas', message: TEXT.tooMany };
  return { replicas: desired, reason: 'DesiredWithinRange', message: TEXT.within };
}

function boundByRates({ current, desired, min, max }: Wish, history: History, { up, down, now }: { up: Rules; down: Rules; now: number }): Bounded {
  if (desired > current) {
    const fastest = Math.max(current, rateLimit(up, current, { history, now, isUp: true }));
    if (desired > Math.min(max, fastest)) return max > fastest ? { replicas: fastest, reason: 'ScaleUpLimit', message: TEXT.tooFast } : { replicas: max, reason: 'TooManyReplicas', message: TEXT.tooMany };
  } else if (desired < current) {
    const fastest = Math.min(current, rateLimit(down, current, { history, now, isUp: false }));
    if (desired < Math.max(min, fastest)) return min < fastest ? { replicas: fastest, reason: 'ScaleDownLimit', message: TEXT.tooFastDown } : { replicas: min, reason: 'TooFewReplicas', message: TEXT.tooFew };
  }
  return { replicas: desired, reason: 'DesiredWithinRange', message: TEXT.within };
}

/** How far the policies let replicas go now, counted from where each one's period began. */
function rateLimit({ policies, selectPolicy }: Rules, current: number, { history, now, isUp }: { history: History; now: number; isUp: boolean }): number {
  if (selectPolicy === 'Disabled') return current;
  const changed = (events: History['ups'], periodSeconds: number): number => events.filter(({ at }) => at > now - periodSeconds * 1000).reduce((sum, { change }) => sum + change, 0);
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = current - changed(history.ups, periodSeconds) + changed(history.downs, periodSeconds);
    if (type === 'Pods') return isUp ? start + value : start - value;
    return isUp ? Math.ceil(start * (1 + value / 100)) : Math.trunc(start * (1 - value / 100));
  });
  // The larger change is the larger number up, and the smaller one down.
  return (selectPolicy === 'Min') === isUp ? Math.min(...limits) : Math.max(...limits);
}
