// Validation of what says where a pod may run: affinity, tolerations, topology spread (upstream: validateAffinity, ValidateTolerations, …).
import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems, labelKeyProblems, labelValueProblems, rangeProblems, subdomainProblems } from '../../api/names.ts';
import type { Affinity, LabelSelector, NodeSelector, NodeSelectorTerm, PodAffinityTerm, Toleration, TopologySpreadConstraint, WeightedPodAffinityTerm } from '../generated/api-types.ts';
import { validateLabelSelector } from '../label-selector.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
type Loose = { key?: string; operator?: string; values?: string[] };
const INCLUSIONS = ['Honor', 'Ignore'];
const UNSATISFIABLE = ['DoNotSchedule', 'ScheduleAnyway'];

export function validateAffinity(affinity: Affinity | undefined, path: string): FieldError[] {
  if (affinity === undefined) return [];
  const errors: FieldError[] = [];
  const needed = affinity.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (needed !== undefined) errors.push(...validateNodeSelector(needed, `${path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`));
  (affinity.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).forEach(({ weight, preference }, index) => {
    const at = `${path}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${String(index)}]`;
    errors.push(...weightProblems(weight, `${at}.weight`), ...validateNodeTerm(preference ?? {}, `${at}.preference`, true));
  });
  for (const field of ['podAffinity', 'podAntiAffinity'] as const) {
    const { requiredDuringSchedulingIgnoredDuringExecution: terms = [], preferredDuringSchedulingIgnoredDuringExecution: weighted = [] } = affinity[field] ?? {};
    errors.push(...terms.flatMap((term, index) => validatePodTerm(term, `${path}.${field}.requiredDuringSchedulingIgnoredDuringExecution[${String(index)}]`)));
    errors.push(...validateWeightedTerms(weighted, `${path}.${field}.preferredDuringSchedulingIgnoredDuringExecution`));
  }
  return errors;
}

function validateWeightedTerms(terms: readonly WeightedPodAffinityTerm[], path: string): FieldError[] {
  return terms.flatMap(({ weight, podAffinityTerm }, index) => [
    ...weightProblems(weight, `${path}[${String(index)}].weight`), ...validatePodTerm(podAffinityTerm, `${path}[${String(index)}].podAffinityTerm`),
  ]);
}

function weightProblems(weight: number | undefined, path: string): FieldError[] {
  return rangeProblems(weight ?? 0, 1, 100).length === 0 ? [] : [invalid(path, weight ?? 0, 'must be in the range 1-100')];
}

function validatePodTerm({ labelSelector, namespaceSelector, namespaces = [], topologyKey = '', matchLabelKeys, mismatchLabelKeys }: Partial<PodAffinityTerm> = {}, path = ''): FieldError[] {
  const errors = [...validateLabelSelector(labelSelector, `${path}.labelSelector`), ...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`)];
  for (const name of namespaces) for (const problem of dnsLabelProblems(name)) errors.push(invalid(`${path}.namespace`, name, problem));
  errors.push(...labelKeysProblems(matchLabelKeys, labelSelector, `${path}.matchLabelKeys`), ...labelKeysProblems(mismatchLabelKeys, labelSelector, `${path}.mismatchLabelKeys`));
  if (!topologyKey) errors.push(required(`${path}.topologyKey`, 'can not be empty'));
  for (const problem of labelKeyProblems(topologyKey)) errors.push(invalid(`${path}.topologyKey`, topologyKey, problem));
  return errors;
}

export function validateNodeSelector({ nodeSelectorTerms: terms = [] }: Partial<NodeSelector>, path: string): FieldError[] {
  const at = `${path}.nodeSelectorTerms`;
  return terms.length === 0 ? [required(at, 'must have at least one node selector term')] : terms.flatMap((term, index) => validateNodeTerm(term, `${at}[${String(index)}]`, false));
}

/** `preferred`: values that no label can have do no harm. */
function validateNodeTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, path: string, preferred: boolean): FieldError[] {
  const errors: FieldError[] = [];
  matchExpressions.forEach(({ key = '', operator = '', values = [] }: Loose, index) => {
    const at = `${path}.matchExpressions[${String(index)}]`;
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) errors.push(required(`${at}.values`, 'must be specified when `operator` is \'In\' or \'NotIn\''));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) errors.push(forbidden(`${at}.values`, 'may not be specified when `operator` is \'Exists\' or \'DoesNotExist\''));
    } else if (operator === 'Gt' || operator === 'Lt') {
      if (values.length !== 1) errors.push(required(`${at}.values`, 'must be specified single value when `operator` is \'Lt\' or \'Gt\''));
    } else errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
    for (const problem of labelKeyProblems(key)) errors.push(invalid(`${at}.key`, key, problem));
    if (!preferred) values.forEach((value, position) => { for (const problem of labelValueProblems(value)) errors.push(invalid(`${at}.values[${String(position)}]`, value, problem)); });
  });
  matchFields.forEach(({ key = '', operator = '', values = [] }: Loose, index) => {
    const at = `${path}.matchFields[${String(index)}]`;
    if (operator !== 'In' && operator !== 'NotIn') errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
    else if (values.length !== 1) errors.push(required(`${at}.values`, 'must be only one value when `operator` is \'In\' or \'NotIn\' for node field selector'));
    if (key !== 'metadata.name') errors.push(invalid(`${at}.key`, key, 'not a valid field selector key'));
    else values.forEach((value, position) => { for (const problem of subdomainProblems(value)) errors.push(invalid(`${at}.values[${String(position)}]`, value, problem)); });
  });
  return errors;
}

export function validateTolerations(tolerations: readonly Toleration[], path: string): FieldError[] {
  return tolerations.flatMap(({ key = '', operator = '', value = '', effect = '', tolerationSeconds }, index) => {
    const at = `${path}[${String(index)}]`;
    const errors = key === '' ? [] : labelKeyProblems(key).map((problem) => invalid(`${at}.key`, key, problem));
    if (key === '' && operator !== 'Exists') errors.push(invalid(`${at}.operator`, operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"'));
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') errors.push(invalid(`${at}.effect`, effect, 'effect must be \'NoExecute\' when `tolerationSeconds` is set'));
    if (operator === 'Equal' || operator === '') {
      const problems = labelValueProblems(value);
      if (problems.length > 0) errors.push(invalid(`${at}.operator`, value, problems.join(';')));
    } else if (operator === 'Exists') {
      if (value !== '') errors.push(invalid(`${at}.operator`, value, 'value must be empty when `operator` is \'Exists\''));
    } else if (operator === 'Lt' || operator === 'Gt') errors.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists', 'Lt', 'Gt']));
    else errors.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']));
    if (effect !== '' && !EFFECTS.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, EFFECTS));
    return errors;
  });
}

function aboveZero(value: number, path: string): FieldError[] {
  return value > 0 ? [] : [invalid(path, value, 'must be greater than zero')];
}

/** Keys whose values are taken from the pod's own labels into its selector. */
function labelKeysProblems(keys: readonly string[] | undefined, selector: LabelSelector | undefined, path: string): FieldError[] {
  if (keys === undefined || keys.length === 0) return [];
  if (selector === undefined) return [forbidden(path, 'must not be specified when labelSelector is not set')];
  return keys.flatMap((key, index) => labelKeyProblems(key).map((problem) => invalid(`${path}[${String(index)}]`, key, problem)));
}

export function validateTopologySpread(constraints: readonly TopologySpreadConstraint[], path: string): FieldError[] {
  const seen = new Set<string>();
  return constraints.toReversed().flatMap((constraint, reversed) => {
    const at = `${path}[${String(constraints.length - 1 - reversed)}]`;
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', minDomains, labelSelector } = constraint as Omit<Partial<TopologySpreadConstraint>, 'whenUnsatisfiable'> & { whenUnsatisfiable?: string };
    const errors = aboveZero(maxSkew, `${at}.maxSkew`);
    if (!topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'));
    if (!UNSATISFIABLE.includes(whenUnsatisfiable)) errors.push(notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, UNSATISFIABLE));
    const identity = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(identity)) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, identity));
    seen.add(identity);
    if (minDomains !== undefined) {
      errors.push(...aboveZero(minDomains, `${at}.minDomains`));
      if (whenUnsatisfiable !== 'DoNotSchedule') errors.push(invalid(`${at}.minDomains`, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`));
    }
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) if (constraint[field] !== undefined && !INCLUSIONS.includes(constraint[field])) errors.push(notSupported(`${at}.${field}`, constraint[field], INCLUSIONS));
    return [...errors, ...labelKeysProblems(constraint.matchLabelKeys, labelSelector, `${at}.matchLabelKeys`), ...validateLabelSelector(labelSelector, `${at}.labelSelector`)];
  });
}
