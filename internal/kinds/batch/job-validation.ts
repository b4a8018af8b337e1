// What a Job's spec may say, alone and against what it said before; CronJobs' templates are held to the same (upstream:
// pkg/apis/batch/validation, pkg/registry/batch/job).
import { duplicate, invalid, notSupported, required, tooLong, tooMany, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { copy } from '../../api/meta.ts';
import { dnsLabelProblems, labelKeyProblems } from '../../api/names.ts';
import type { Job, JobSpec, PodFailurePolicyRule, PodSpec, PodTemplateSpec, SuccessPolicyRule } from '../generated/api-types.ts';
import { countSpans, parseIndexSpans } from './job-indexes-text.ts';
import { sortedKeys } from '../go-form.ts';
import { selectorMatches, validateLabelSelector } from '../label-selector.ts';
import { nonNegative } from '../numbers.ts';
import { validatePodTemplate } from '../core/pod-template.ts';

const PARALLELISM_MAX = 100_000;
const SOFT_COMPLETIONS = 100_000;
const SOFT_PARALLELISM = 10_000;
const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;
const INDEXES_TEXT_MAX = 64 * 1024;
const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];

export function validateJob({ metadata, spec }: Job): FieldError[] {
  const errors = [...validateGeneratedSelector({ metadata, spec }), ...validateJobSpec(spec, 'spec')];
  const wrong = spec.selector === undefined ? [required('spec.selector')] : validateLabelSelector(spec.selector, 'spec.selector');
  errors.push(...wrong);
  // No selector selects nothing; one that is none is not held against the template.
  if ((spec.selector === undefined || wrong.length === 0) && !selectorMatches(spec.selector, spec.template.metadata?.labels)) {
    errors.push(invalid('spec.template.metadata.labels', sortedKeys(spec.template.metadata?.labels) ?? null, '`selector` does not match template `labels`'));
  }
  const host = `${metadata.name}-${String((spec.completions ?? 0) - 1)}`;
  if (spec.completionMode === 'Indexed' && (spec.completions ?? 0) > 0 && dnsLabelProblems(host).length > 0) errors.push(invalid('metadata.name', metadata.name, `will not able to create pod with invalid DNS label: ${host}`));
  return errors;
}

/** The selector that a Job is given has to be the one it has. */
function validateGeneratedSelector({ metadata: { uid, name }, spec }: Pick<Job, 'metadata' | 'spec'>): FieldError[] {
  if (spec.manualSelector === true || spec.selector === undefined) return [];
  const wanted: Record<string, string> = { 'controller-uid': uid, 'job-name': name, 'batch.kubernetes.io/controller-uid': uid, 'batch.kubernetes.io/job-name': name };
  const labels = spec.template.metadata?.labels ?? {};
  const path = 'spec.template.metadata.labels';
  const errors = Object.entries(wanted).flatMap(([key, value]) => (labels[key] === undefined ? [required(path, `must be '${value}'`)] : labels[key] === value ? [] : [invalid(path, labels, `must be '${value}'`)]));
  if (!selectorMatches(spec.selector, wanted)) errors.push(invalid('spec.selector', spec.selector, '`selector` not auto-generated'));
  return errors;
}

function validateJobSpec(spec: JobSpec, path: string): FieldError[] {
  const counts = ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished', 'backoffLimitPerIndex', 'maxFailedIndexes'] as const;
  const errors = counts.flatMap((field) => nonNegative(spec[field], `${path}.${field}`));
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) errors.push(required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'));
  if (spec.managedBy !== undefined) errors.push(...validateManager(spec.managedBy, `${path}.managedBy`));
  const { completionMode: mode } = spec;
  if (mode !== undefined && mode !== 'Indexed' && mode !== 'NonIndexed') errors.push(notSupported(`${path}.completionMode`, mode, ['NonIndexed', 'Indexed']));
  errors.push(...(mode === 'Indexed' ? validateIndexed(spec, path) : validateNonIndexed(spec, path)));
  if (spec.podFailurePolicy !== undefined) errors.push(...validateFailurePolicy(spec, `${path}.podFailurePolicy.rules`));
  const { podReplacementPolicy } = spec;
  if (podReplacementPolicy !== undefined && podReplacementPolicy !== 'Failed' && (spec.podFailurePolicy !== undefined || podReplacementPolicy !== 'TerminatingOrFailed')) {
    errors.push(notSupported(`${path}.podReplacementPolicy`, podReplacementPolicy, spec.podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed']));
  }
  return [...errors, ...validatePodTemplate(spec.template, `${path}.template`), ...validateRestarts(spec, `${path}.template.spec.restartPolicy`)];
}

function validateRestarts({ template, podFailurePolicy }: JobSpec, path: string): FieldError[] {
  const policy = template.spec?.restartPolicy ?? 'Always';
  if (policy === 'Always') return [required(path, 'valid values: "OnFailure", "Never"')];
  if (policy !== 'OnFailure' && policy !== 'Never') return [notSupported(path, policy, ['OnFailure', 'Never'])];
  return podFailurePolicy !== undefined && policy !== 'Never' ? [invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')] : [];
}

function validateManager(name: string, path: string): FieldError[] {
  const [domain = '', ...rest] = name.split('/');
  if (name === '') return [required(path)];
  const errors = rest.length === 0 || domain === '' || rest.join('/') === '' ? [invalid(path, name, 'must be a domain-prefixed path (such as "acme.io/foo")')] : [];
  return name.length > 63 ? [...errors, tooLong(path, 63)] : errors;
}

function validateNonIndexed(spec: JobSpec, path: string): FieldError[] {
  const fields = ['backoffLimitPerIndex', 'maxFailedIndexes', 'successPolicy'] as const;
  const isOther = spec.completionMode !== undefined && spec.completionMode !== 'NonIndexed';
  return fields.filter((field) => spec[field] !== undefined && (!isOther || field === 'successPolicy')).map((field) => invalid(`${path}.${field}`, spec[field], 'requires indexed completion mode'));
}

function validateIndexed(spec: JobSpec, path: string): FieldError[] {
  const { completions, parallelism, maxFailedIndexes, backoffLimitPerIndex, successPolicy } = spec;
  const errors: FieldError[] = [];
  if (completions === undefined) errors.push(required(`${path}.completions`, 'when completion mode is Indexed'));
  if (parallelism !== undefined && parallelism > PARALLELISM_MAX) errors.push(invalid(`${path}.parallelism`, parallelism, `must be less than or equal to ${String(PARALLELISM_MAX)} when completion mode is Indexed`));
  if (maxFailedIndexes !== undefined && completions !== undefined && maxFailedIndexes > completions) errors.push(invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions'));
  if (maxFailedIndexes !== undefined && maxFailedIndexes > PARALLELISM_MAX) errors.push(invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, `must be less than or equal to ${String(PARALLELISM_MAX)}`));
  if (completions !== undefined && completions > SOFT_COMPLETIONS && backoffLimitPerIndex !== undefined) {
    const words = `must be less than or equal to ${String(SOFT_PARALLELISM)} when completions are above ${String(SOFT_COMPLETIONS)} and used with backoff limit per index`;
    if (maxFailedIndexes === undefined) errors.push(required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${String(SOFT_COMPLETIONS)}`));
    if ((parallelism ?? 0) > SOFT_PARALLELISM) errors.push(invalid(`${path}.parallelism`, parallelism, words));
    if ((maxFailedIndexes ?? 0) > SOFT_PARALLELISM) errors.push(invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, words));
  }
  if (successPolicy === undefined) return errors;
  const rules = (successPolicy as Partial<typeof successPolicy>).rules ?? [];
  if (rules.length === 0) errors.push(required(`${path}.successPolicy.rules`, 'at least one rules must be specified when the successPolicy is specified'));
  if (rules.length > RULES_MAX) errors.push(tooMany(`${path}.successPolicy.rules`, rules.length, RULES_MAX));
  return [...errors, ...rules.flatMap((rule, index) => validateSuccessRule(rule, completions ?? 0, `${path}.successPolicy.rules[${String(index)}]`))];
}

function validateSuccessRule({ succeededCount, succeededIndexes }: SuccessPolicyRule, completions: number, path: string): FieldError[] {
  const errors: FieldError[] = [];
  let total = 0;
  if (succeededCount === undefined && succeededIndexes === undefined) errors.push(required(path, 'at least one of succeededCount or succeededIndexes must be specified'));
  if (succeededIndexes !== undefined) {
    if (succeededIndexes.length > INDEXES_TEXT_MAX) errors.push(tooLong(`${path}.succeededIndexes`, INDEXES_TEXT_MAX));
    try {
      total = countSpans(parseIndexSpans(succeededIndexes, completions));
    } catch (error) {
      errors.push(invalid(`${path}.succeededIndexes`, succeededIndexes, `error parsing succeededIndexes: ${(error as Error).message}`));
    }
  }
  if (succeededCount === undefined) return errors;
  errors.push(...nonNegative(succeededCount, `${path}.succeededCount`));
  if (succeededCount > completions) errors.push(invalid(`${path}.succeededCount`, succeededCount, `must be less than or equal to ${String(completions)} (the number of specified completions)`));
  if (succeededIndexes !== undefined && succeededCount > total) errors.push(invalid(`${path}.succeededCount`, succeededCount, `must be less than or equal to ${String(total)} (the number of indexes in the specified succeededIndexes field)`));
  return errors;
}

function validateFailurePolicy(spec: JobSpec, path: string): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const names = new Set([...(spec.template.spec?.containers ?? []), ...(spec.template.spec?.initContainers ?? [])].map(({ name }) => name));
  const errors = rules.length > RULES_MAX ? [tooMany(path, rules.length, RULES_MAX)] : [];
  return [...errors, ...rules.flatMap((rule, index) => validateFailureRule(rule, spec, { path: `${path}[${String(index)}]`, names }))];
}

function validateFailureRule(rule: PodFailurePolicyRule, spec: JobSpec, { path, names }: { path: string; names: ReadonlySet<string> }): FieldError[] {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  const errors: FieldError[] = [];
  if (!action) errors.push(required(`${path}.action`, `valid values: [${ACTIONS.map((each) => JSON.stringify(each)).join(' ')}]`));
  else if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) errors.push(invalid(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set'));
  else if (!ACTIONS.includes(action)) errors.push(notSupported(`${path}.action`, action, ACTIONS));
  if (onExitCodes !== undefined) errors.push(...validateExitCodes(onExitCodes, `${path}.onExitCodes`, names));
  if (onPodConditions.length > RULES_MAX) errors.push(tooMany(`${path}.onPodConditions`, onPodConditions.length, RULES_MAX));
  onPodConditions.forEach(({ type, status }, index) => {
    const at = `${path}.onPodConditions[${String(index)}]`;
    errors.push(...labelKeyProblems(type).map((problem) => invalid(`${at}.type`, type, problem)));
    if (!status) errors.push(required(`${at}.status`, 'valid values: ["False" "True" "Unknown"]'));
    else if (!['False', 'True', 'Unknown'].includes(status)) errors.push(notSupported(`${at}.status`, status, ['False', 'True', 'Unknown']));
  });
  if (onExitCodes !== undefined && onPodConditions.length > 0) errors.push(invalid(path, rule, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  if (onExitCodes === undefined && onPodConditions.length === 0) errors.push(invalid(path, rule, 'specifying one of OnExitCodes and OnPodConditions is required'));
  return errors;
}

function validateExitCodes({ operator, containerName, values = [] }: Partial<NonNullable<PodFailurePolicyRule['onExitCodes']>>, path: string, names: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = [];
  if (!operator) errors.push(required(`${path}.operator`, 'valid values: ["In" "NotIn"]'));
  else if (operator !== 'In' && operator !== 'NotIn') errors.push(notSupported(`${path}.operator`, operator, ['In', 'NotIn']));
  if (containerName !== undefined && !names.has(containerName)) errors.push(invalid(`${path}.containerName`, containerName, 'must be one of the container or initContainer names in the pod template'));
  if (values.length === 0) errors.push(invalid(`${path}.values`, values, 'at least one value is required'));
  else if (values.length > EXIT_CODES_MAX) errors.push(tooMany(`${path}.values`, values.length, EXIT_CODES_MAX));
  values.forEach((value, index) => {
    if (operator === 'In' && value === 0) errors.push(invalid(`${path}.values[${String(index)}]`, value, 'must not be 0 for the In operator'));
    if (values.indexOf(value) < index) errors.push(duplicate(`${path}.values[${String(index)}]`, value));
  });
  if (values.some((value, index) => index > 0 && (values[index - 1] ?? 0) > value)) errors.push(invalid(`${path}.values`, values, 'must be ordered'));
  return errors;
}

export function validateJobUpdate({ spec }: Job, old: Job): FieldError[] {
  const errors: FieldError[] = [];
  if (!sameSemantically(spec.completions, old.spec.completions)) {
    if (spec.completionMode !== 'Indexed') errors.push(invalid('spec.completions', spec.completions ?? null, 'field is immutable'));
    else if (spec.completions !== undefined && spec.completions !== spec.parallelism) errors.push(invalid('spec.completions', spec.completions, 'can only be modified in tandem with spec.parallelism'));
  }
  const fixed = ['selector', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const;
  errors.push(...fixed.filter((field) => !sameSemantically(spec[field], old.spec[field])).map((field) => invalid(`spec.${field}`, spec[field] ?? null, 'field is immutable')));
  return [...errors, ...validateTemplateUpdate(spec, old)];
}

/** While a suspended Job has no pods, where they will go and what they may use is still open. */
function validateTemplateUpdate(spec: JobSpec, old: Job): FieldError[] {
  const suspended = old.spec.suspend === true;
  const isOpen = suspended && (old.status?.startTime === undefined || old.status.conditions?.some(({ type, status }) => type === 'Suspended' && status === 'True') === true) && (old.status?.active ?? 0) === 0;
  const allowed = isOpen ? opened(spec.template, old.spec.template) : old.spec.template;
  if (sameSemantically(spec.template, allowed)) return [];
  return [isOpen ? invalid('spec.template.spec', spec.template.spec, 'field is immutable') : invalid('spec.template', spec.template, 'field is immutable')];
}

/** The old template with what may change taken from the new. */
function opened(next: PodTemplateSpec, old: PodTemplateSpec): PodTemplateSpec {
  const result = copy(old);
  const spec = (result.spec ?? { containers: [] }) as PodSpec & Record<string, unknown>;
  const from = (next.spec ?? { containers: [] }) as PodSpec & Record<string, unknown>;
  result.metadata = next.metadata as NonNullable<PodTemplateSpec['metadata']>;
  for (const field of ['nodeSelector', 'tolerations', 'schedulingGates'] as const) spec[field] = from[field] as never;
  const affinity = { ...spec.affinity, nodeAffinity: from.affinity?.nodeAffinity };
  if (Object.values(affinity).some((part) => part !== undefined) || from.affinity !== undefined) spec.affinity = affinity as NonNullable<PodSpec['affinity']>;
  else delete spec.affinity;
  for (const list of ['containers', 'initContainers'] as const) spec[list]?.forEach((container, index) => {
    const match = from[list]?.[index];
    if (match?.name === container.name) container.resources = match.resources as NonNullable<typeof container.resources>;
  });
  return { ...result, spec };
}

/** What a CronJob's template may not have: the selector is made with each Job. */
export function validateJobTemplate(spec: JobSpec, path: string): FieldError[] {
  const errors = validateJobSpec(spec, path);
  if (spec.selector !== undefined) errors.push(invalid(`${path}.selector`, spec.selector, '`selector` will be auto-generated'));
  if (spec.manualSelector === true) errors.push(notSupported(`${path}.manualSelector`, true, ['nil', 'false']));
  return errors;
}

