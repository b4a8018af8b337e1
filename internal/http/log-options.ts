// What may be asked of a log (upstream: ValidatePodLogOptions), before the pod is looked for.
import { StatusError } from '../base/errors.ts';
import { forbidden, invalid, invalidObject, type FieldError } from '../api/field-error.ts';

const NUMBERS = ['tailLines', 'limitBytes', 'sinceSeconds'] as const;

export function checkLogOptions(pod: string, query: URLSearchParams): void {
  const [tailLines, limitBytes, sinceSeconds] = NUMBERS.map((name) => number(query.get(name)));
  const errors: FieldError[] = [];
  if (tailLines !== undefined && tailLines < 0) errors.push(invalid('tailLines', tailLines, 'must be greater than or equal to 0'));
  if (limitBytes !== undefined && limitBytes < 1) errors.push(invalid('limitBytes', limitBytes, 'must be greater than 0'));
  if (sinceSeconds !== undefined && query.get('sinceTime')) errors.push(forbidden('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  else if (sinceSeconds !== undefined && sinceSeconds < 1) errors.push(invalid('sinceSeconds', sinceSeconds, 'must be greater than 0'));
  if (query.has('stream')) errors.push(forbidden('stream', 'may not be specified'));
  if (errors.length > 0) throw invalidObject({ group: '', kind: 'PodLogOptions' }, pod, errors);
}

function number(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw new StatusError('BadRequest', `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}
