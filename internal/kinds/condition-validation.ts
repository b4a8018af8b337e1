// metav1.Condition held to upstream's validation (apimachinery/pkg/apis/meta/v1/validation).
import { duplicate, invalid, notSupported, required, tooLong, type FieldError } from '../api/field-error.ts';
import { labelKeyProblems, regexpWords } from '../api/names.ts';
import type { Condition } from './generated/api-types.ts';

const STATUSES = ['False', 'True', 'Unknown'];
const REASON = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const REASON_WORDS = regexpWords("a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'", REASON, ['my_name', 'MY_NAME', 'MyName', 'ReasonA,ReasonB', 'ReasonA:ReasonB']);
const REASON_MAX = 1024;
const MESSAGE_MAX = 32 * 1024;

export function validateConditions(conditions: readonly Partial<Condition>[], path: string): FieldError[] {
  const types = new Set<string>();
  return conditions.flatMap((condition, index) => {
    const at = `${path}[${String(index)}]`;
    const { type = '' } = condition;
    const again = types.has(type) ? [duplicate(`${at}.type`, type)] : [];
    types.add(type);
    return [...again, ...validateCondition(condition, at)];
  });
}

function validateCondition({ type = '', status = '', observedGeneration = 0, lastTransitionTime, reason = '', message = '' }: Partial<Condition>, path: string): FieldError[] {
  return [
    ...labelKeyProblems(type).map((problem) => invalid(`${path}.type`, type, problem)),
    ...(STATUSES.includes(status) ? [] : [notSupported(`${path}.status`, status, STATUSES)]),
    ...(observedGeneration < 0 ? [invalid(`${path}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero')] : []),
    ...(lastTransitionTime ? [] : [required(`${path}.lastTransitionTime`)]),
    ...(reason === '' ? [required(`${path}.reason`)] : new RegExp(`^${REASON}$`).test(reason) ? [] : [invalid(`${path}.reason`, reason, REASON_WORDS)]),
    ...(reason.length > REASON_MAX ? [tooLong(`${path}.reason`, REASON_MAX)] : []),
    ...(message.length > MESSAGE_MAX ? [tooLong(`${path}.message`, MESSAGE_MAX)] : []),
  ];
}
