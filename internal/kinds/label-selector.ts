// metav1.LabelSelector as text and as something to validate (upstream: apimachinery/pkg/apis/meta/v1/helpers.go, validation/validation.go).
import type { LabelSelector, LabelSelectorRequirement } from './generated/api-types.ts';
import { forbidden, invalid, required, type FieldError } from '../api/field-error.ts';
import { labelKeyProblems, labelValueProblems } from '../api/names.ts';
import { sortedKeys } from './go-form.ts';

/** The selector as kubectl would take it; '' when it selects nothing or everything. */
export function selectorText(selector: LabelSelector | undefined): string {
  if (selector === undefined) return '';
  const parts: [key: string, text: string][] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => [key, `${key}=${value}`]);
  for (const requirement of selector.matchExpressions ?? []) parts.push([requirement.key, requirementText(requirement)]);
  return parts.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, text]) => text).join(',');
}

/** As selectorText, `<none>` when empty. */
export function formatLabelSelector(selector: LabelSelector | undefined): string {
  const text = selectorText(selector);
  return text === '' ? '<none>' : text;
}

export function isEmptySelector(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

/** Does the selector choose an object with these labels? undefined selects nothing, {} everything. */
export function selectorMatches(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>> = {}): boolean {
  if (selector === undefined) return false;
  return Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
    && (selector.matchExpressions ?? []).every((requirement) => requirementMatches(requirement, labels));
}

export function validateLabelSelector(selector: LabelSelector | undefined, path: string): FieldError[] {
  if (selector === undefined) return [];
  const errors = validateLabels(selector.matchLabels, `${path}.matchLabels`);
  (selector.matchExpressions ?? []).forEach((requirement, index) => errors.push(...validateRequirement(requirement, `${path}.matchExpressions[${String(index)}]`)));
  return errors;
}

/** As Go writes it in a message: labels by their keys' order, and all of a requirement that is no list. */
export function selectorInGo(selector: LabelSelector | undefined): object | null {
  if (selector === undefined) return null;
  const { matchLabels, matchExpressions } = selector;
  return {
    ...(matchLabels !== undefined && { matchLabels: sortedKeys(matchLabels) }),
    ...(matchExpressions !== undefined && { matchExpressions: matchExpressions.map(({ key = '', operator = '', values }: { key?: string; operator?: string; values?: string[] }) => ({ key, operator, ...(values !== undefined && { values }) })) }),
  };
}

/** Keys are qualified names, values label values. */
export function validateLabels(labels: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...labelKeyProblems(key).map((problem) => invalid(path, key, problem)),
    ...labelValueProblems(value).map((problem) => invalid(path, value, problem)),
  ]);
}

function validateRequirement({ key = '', operator, values = [] }: Partial<LabelSelectorRequirement>, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) errors.push(required(`${path}.values`, 'must be specified when `operator` is \'In\' or \'NotIn\''));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) errors.push(forbidden(`${path}.values`, 'may not be specified when `operator` is \'Exists\' or \'DoesNotExist\''));
  } else errors.push(invalid(`${path}.operator`, operator ?? '', 'not a valid selector operator'));
  errors.push(...labelKeyProblems(key).map((problem) => invalid(`${path}.key`, key, problem)));
  values.forEach((value, index) => errors.push(...labelValueProblems(value).map((problem) => invalid(`${path}.values[${String(index)}]`, value, problem))));
  return errors;
}

function requirementText({ key, operator, values = [] }: LabelSelectorRequirement): string {
  if (operator === 'Exists') return key;
  if (operator === 'DoesNotExist') return `!${key}`;
  return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.toSorted().join(',')})`;
}

function requirementMatches({ key, operator, values = [] }: LabelSelectorRequirement, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[key];
  if (operator === 'In') return value !== undefined && values.includes(value);
  if (operator === 'NotIn') return value === undefined || !values.includes(value);
  return operator === 'Exists' ? value !== undefined : value === undefined;
}
