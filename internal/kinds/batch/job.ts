// Job: defaults, the selector that a Job gets, and row (upstream: pkg/apis/batch, registry/batch/job).
import { formatAge, objectAge } from '../../api/age.ts';
import { copy } from '../../api/meta.ts';
import { subdomainName } from '../../api/names.ts';
import type { Job, JobSpec } from '../generated/api-types.ts';
import type { Cell, KindRules } from '../kind.ts';
import { containerCells } from '../cells.ts';
import { validateJobStatus } from './job-status-validation.ts';
import { validateJob, validateJobUpdate } from './job-validation.ts';
import { formatLabelSelector } from '../label-selector.ts';
import { podSpecDefaults } from '../pod-spec/defaults.ts';
import { isNews, podNameWarnings } from '../pod-spec/warnings.ts';
import { jobSpecWarnings } from './job-warnings.ts';

const STATES = ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'];

export const job: KindRules<Job> = {
  validateName: subdomainName,
  applyDefaults,
  prepareForCreate,
  prepareForUpdate: (draft, old) => { draft.status = copy(old.status ?? {}); },
  validate: validateJob,
  validateUpdate: validateJobUpdate,
  validateStatusUpdate: validateJobStatus,
  warnings: (object, old) => [...(old === undefined ? podNameWarnings(object.metadata.name) : []), ...(isNews(object, old) ? jobSpecWarnings(object.spec, 'spec') : [])],
  cells,
  selectableFields: ({ status }) => ({ 'status.successful': String(status?.succeeded ?? 0) }),
  // As batch/v1 has always done.
  defaultPropagation: 'Orphan',
};

function jobSpecDefaults(spec: JobSpec): void {
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2147483647;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  spec.manualSelector ??= false;
  for (const { onPodConditions = [] } of spec.podFailurePolicy?.rules ?? []) for (const condition of onPodConditions) condition.status ||= 'True';
  podSpecDefaults(spec.template?.spec);
}

function applyDefaults(job: Job): void {
  if (job.spec === undefined) return;
  labelAsPods(job);
  jobSpecDefaults(job.spec);
}

/** A Job without labels has those of its pods. */
function labelAsPods({ metadata, spec }: Job): void {
  const labels = spec.template?.metadata?.labels;
  if (labels === undefined || Object.keys(metadata.labels ?? {}).length > 0) return;
  metadata.labels = { ...labels };
  borrowed.add(metadata.labels);
}

/** Labels that are the pods' still: upstream's Job and template have one map then, and what is added to the pods' is the Job's too. */
const borrowed = new WeakSet<object>();

// Without manualSelector a Job chooses its pods by its own uid.
function prepareForCreate(draft: Job): void {
  draft.status = {};
  const { spec, metadata } = draft;
  if (spec.manualSelector === true) return;
  // What the user has set stands: where it is not what it should be, validation says so.
  const own = { 'controller-uid': metadata.uid, 'job-name': metadata.name, 'batch.kubernetes.io/controller-uid': metadata.uid, 'batch.kubernetes.io/job-name': metadata.name };
  spec.template.metadata = { ...spec.template.metadata, labels: { ...own, ...spec.template.metadata?.labels } } as NonNullable<typeof spec.template.metadata>;
  if (metadata.labels === undefined || borrowed.has(metadata.labels)) metadata.labels = { ...spec.template.metadata.labels };
  spec.selector = { ...spec.selector, matchLabels: { 'batch.kubernetes.io/controller-uid': metadata.uid, ...spec.selector?.matchLabels } };
}

function cells(object: Job, now: number): Cell[] {
  const { spec, status = {}, metadata } = object;
  const done = String(status.succeeded ?? 0);
  const parallelism = spec.parallelism ?? 0;
  const completions = spec.completions !== undefined ? `${done}/${String(spec.completions)}` : parallelism > 1 ? `${done}/1 of ${String(parallelism)}` : `${done}/1`;
  const end = status.completionTime === undefined ? now : Date.parse(status.completionTime);
  const duration = status.startTime === undefined ? '' : formatAge(end - Date.parse(status.startTime));
  return [metadata.name, stateOf(object), completions, duration, objectAge(object, now), ...containerCells(spec.template.spec?.containers), formatLabelSelector(spec.selector)];
}

function stateOf({ metadata, status }: Job): string {
  const has = (type: string): boolean => status?.conditions?.find((condition) => condition.type === type)?.status === 'True';
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  return STATES.find(has) ?? 'Running';
}
