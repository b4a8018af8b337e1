// Validation of what says where a pod may run: affinity, tolerations, topology spread (upstream: validateAffinity, ValidateTolerations, …).
import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems, labelKeyProblems, labelValueProblems, rangeProblems } from '../../api/names.ts';
import type { Affinity, NodeSelectorTerm, PodAffinityTerm, Toleration, TopologySpreadConstraint, WeightedPodAffinityTerm } from '../generated/api-types.ts';
import { validateLabelSelector } from '../label-selector.ts';
import { positive } from '../numbers.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const UNSATISFIABLE = ['DoNotSchedule', 'ScheduleAnyway'];

export function validateAffinity(affinity: Affinity | undefined, path: string): FieldError[] {
  if (affinity === undefined) return [];
  const errors: FieldError[] = [];
  const needed = affinity.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (needed !== undefined) {
    const at = `${path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
    if ((needed.nodeSelectorTerms ?? []).length === 0) errors.push(required(at, 'must have at least one node selector term'));
    errors.push(...(needed.nodeSelectorTerms ?? []).flatMap((term, index) => validateNodeTerm(term, `${at}[${String(index)}]`)));
  }
  (affinity.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).forEach(({ weight, preference }, index) => {
    const at = `${path}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${String(index)}]`;
    errors.push(...weightProblems(weight, `${at}.weight`), ...validateNodeTerm(preference, `${at}.preference`));
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

function weightProblems(weight: number, path: string): FieldError[] {
  return rangeProblems(weight, 1, 100).length === 0 ? [] : [invalid(path, weight, 'must be in the range 1-100')];
}

function validatePodTerm({ labelSelector, namespaceSelector, namespaces = [], topologyKey }: PodAffinityTerm, path: string): FieldError[] {
  const errors = [...validateLabelSelector(labelSelector, `${path}.labelSelector`), ...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`)];
  for (const name of namespaces) for (const problem of dnsLabelProblems(name)) errors.push(invalid(`${path}.namespace`, name, problem));
  if (!topologyKey) errors.push(required(`${path}.topologyKey`, 'can not be empty'));
  else for (const problem of labelKeyProblems(topologyKey)) errors.push(invalid(`${path}.topologyKey`, topologyKey, problem));
  return errors;
}

function validateNodeTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, path: string): FieldError[] {
  const errors: FieldError[] = [];
  matchExpressions.forEach(({ key, operator, values = [] }, index) => {
    const at = `${path}.matchExpressions[${String(index)}]`;
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) errors.push(required(`${at}.values`, 'must be specified when `operator` is \'In\' or \'NotIn\''));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) errors.push(forbidden(`${at}.values`, 'may not be specified when `operator` is \'Exists\' or \'DoesNotExist\''));
    } else if (operator === 'Gt' || operator === 'Lt') {
      if (values.length !== 1) errors.push(required(`${at}.values`, 'must be specified single value when `operator` is \'Lt\' or \'Gt\''));
    } else errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
    for (const problem of labelKeyProblems(key)) errors.push(invalid(`${at}.key`, key, problem));
    values.forEach((value, position) => { for (const problem of labelValueProblems(value)) errors.push(invalid(`${at}.values[${String(position)}]`, value, problem)); });
  });
  matchFields.forEach(({ key, operator, values = [] }, index) => {
    const at = `${path}.matchFields[${String(index)}]`;
    if (operator !== 'In' && operator !== 'NotIn') errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
    else if (values.length !== 1) errors.push(required(`${at}.values`, 'must be only one value when `operator` is \'In\' or \'NotIn\' for node field selector'));
    if (key !== 'metadata.name') errors.push(invalid(`${at}.key`, key, 'not a valid field selector key'));
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

export function validateTopologySpread(constraints: readonly TopologySpreadConstraint[], path: string): FieldError[] {
  const seen = new Set<string>();
  return constraints.toReversed().flatMap((constraint, reversed) => {
    const at = `${path}[${String(constraints.length - 1 - reversed)}]`;
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains, labelSelector } = constraint;
    const errors = positive(maxSkew, `${at}.maxSkew`);
    if (!topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'));
    else for (const problem of labelKeyProblems(topologyKey)) errors.push(invalid(`${at}.topologyKey`, topologyKey, problem));
    if (!UNSATISFIABLE.includes(whenUnsatisfiable)) errors.push(notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, UNSATISFIABLE));
    const identity = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(identity)) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, identity));
    seen.add(identity);
    if (minDomains !== undefined) {
      errors.push(...positive(minDomains, `${at}.minDomains`));
      if (whenUnsatisfiable !== 'DoNotSchedule') errors.push(invalid(`${at}.minDomains`, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`));
    }
    return [...errors, ...validateLabelSelector(labelSelector, `${at}.labelSelector`)];
  });
}
