// Pod: what it gets at create, what an update may change, how long it may take to go, and its row (upstream: registry/core/pod,
// pkg/apis/core/{v1/defaults,validation}, printers).
import type { Pod } from '../generated/api-types.ts';
import type { KindRules, RuleContext } from '../kind.ts';
import { sameJson } from '../../api/json-equality.ts';
import { formatTime } from '../../api/meta.ts';
import type { RowCondition } from '../../api/table.ts';
import { dnsLabelProblems, subdomainName } from '../../api/names.ts';
import { podCells } from './pod-cells.ts';
import { validatePodPart } from './pod-subresources.ts';
import { validatePod, validatePodStatusUpdate, validatePodUpdate } from './pod-validation.ts';
import { placedContainers } from '../pod-spec/placed-containers.ts';
import { podOnlyDefaults, podSpecDefaults } from '../pod-spec/defaults.ts';
import { qosClassOf } from '../pod-spec/qos.ts';
import { APPARMOR, appArmorOf } from '../pod-spec/annotations.ts';
import { podWarnings } from '../pod-spec/warnings.ts';

export const pod: KindRules<Pod> = {
  validateName: subdomainName,
  keepEmpty,
  applyDefaults,
  prepareForCreate,
  prepareForUpdate: (draft, old) => { if (old.status === undefined) delete draft.status; else draft.status = old.status; },
  prepareForStatusUpdate,
  validate: (object) => validatePod(object),
  validateUpdate: (object, old) => validatePodUpdate(object, old),
  validateStatusUpdate: (object, old) => validatePodStatusUpdate(object, old),
  validatePart: validatePodPart,
  warnings: (object, old) => (old === undefined ? [...nameWarnings(object), ...podWarnings(object)] : []),
  cells: podCells,
  rowConditions: ({ status }) => COMPLETED[status?.phase ?? ''],
  selectableFields,
  tracksGeneration: true,
  gracePeriodSeconds,
};

/** What clients that hide what has ended look at. */
const COMPLETED: Readonly<Record<string, readonly RowCondition[]>> = {
  Succeeded: [{ type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' }],
  Failed: [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }],
};

// An overhead of nothing is one all the same, which RuntimeClass admission takes out or refuses.
function keepEmpty({ spec }: Partial<Pod>, isNew: boolean): (() => void) | undefined {
  const { overhead } = spec ?? {};
  if (!isNew || spec === undefined || overhead === undefined || overhead === null || Object.keys(overhead).length > 0) return undefined;
  return () => { spec.overhead = {}; };
}

function applyDefaults(draft: Pod): void {
  if (draft.status !== undefined) setFirstAddress(draft.status);
  if (draft.spec === undefined) return;
  podSpecDefaults(draft.spec);
  podOnlyDefaults(draft.spec);
}

function prepareForCreate(draft: Pod, { now, warn }: RuleContext): void {
  takeProfiles(draft, (message) => warn?.(message));
  if ((draft.spec.terminationGracePeriodSeconds ?? 0) < 0) draft.spec.terminationGracePeriodSeconds = 1;
  draft.status = { phase: 'Pending', qosClass: qosClassOf(draft.spec) };
  if ((draft.spec.schedulingGates ?? []).length > 0) {
    draft.status.conditions = [{
      type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates',
      lastTransitionTime: formatTime(now),
    }];
  }
}

/** AppArmor annotations become fields, which is all that nodes look at. */
function takeProfiles({ metadata: { annotations = {} }, spec }: Pod, warn: (message: string) => void): void {
  if (spec.os?.name === 'windows') return;
  for (const [container] of placedContainers(spec, 'spec')) {
    const key = `${APPARMOR}${container.name}`;
    const annotation = annotations[key];
    if (annotation === undefined || container.securityContext?.appArmorProfile !== undefined) continue;
    const profile = appArmorOf(annotation);
    if (profile !== undefined && sameJson(profile, spec.securityContext?.appArmorProfile)) continue;
    if (profile !== undefined) container.securityContext = { ...container.securityContext, appArmorProfile: profile };
    warn(`metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`);
  }
}

// A writer that knows nothing of generations keeps those that are there.
function prepareForStatusUpdate(draft: Pod, old: Pod): void {
  draft.metadata.ownerReferences = old.metadata.ownerReferences ?? [];
  if (draft.metadata.ownerReferences.length === 0) delete draft.metadata.ownerReferences;
  const status = { ...draft.status };
  if (status.qosClass === undefined && old.status?.qosClass !== undefined) status.qosClass = old.status.qosClass;
  if (!status.observedGeneration && old.status?.observedGeneration !== undefined) status.observedGeneration = old.status.observedGeneration;
  const before = new Map((old.status?.conditions ?? []).map((condition) => [condition.type, condition.observedGeneration]));
  status.conditions = (status.conditions ?? []).map((condition) => {
    const generation = condition.observedGeneration ?? before.get(condition.type);
    return generation === undefined ? condition : { ...condition, observedGeneration: generation };
  });
  if (status.conditions.length === 0) delete status.conditions;
  draft.status = status;
}

/** The older field is the first of the newer ones, whichever a writer knows (upstream: the conversion of v1). */
function setFirstAddress(status: NonNullable<Pod['status']>): void {
  const [first] = status.podIPs ?? [];
  if (status.podIP && first?.ip !== status.podIP) status.podIPs = [{ ip: status.podIP }];
  else if (!status.podIP && first?.ip) status.podIP = first.ip;
}

/** A pod that no node has, or that has ended, goes at once; a negative period means one second. */
function gracePeriodSeconds({ spec, status }: Pod, requested: number | undefined): number {
  if (!spec.nodeName || status?.phase === 'Failed' || status?.phase === 'Succeeded') return 0;
  const period = Number(requested ?? spec.terminationGracePeriodSeconds ?? 0);
  return period < 0 ? 1 : period;
}

function selectableFields({ spec, status }: Pod): Record<string, string> {
  return {
    'spec.nodeName': spec.nodeName ?? '',
    'spec.host': spec.nodeName ?? '',
    'spec.restartPolicy': spec.restartPolicy ?? '',
    'spec.schedulerName': spec.schedulerName ?? '',
    'spec.serviceAccountName': spec.serviceAccountName ?? '',
    'spec.hostNetwork': String(spec.hostNetwork ?? false),
    'status.phase': status?.phase ?? '',
    'status.podIP': status?.podIPs?.[0]?.ip ?? '',
    'status.nominatedNodeName': status?.nominatedNodeName ?? '',
  };
}

function nameWarnings({ metadata: { name } }: Pod): string[] {
  const problems = dnsLabelProblems(name);
  if (problems.length === 0) return [];
  return [`metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`];
}
