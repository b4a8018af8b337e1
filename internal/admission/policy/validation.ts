// One ValidatingAdmissionPolicy on one request with one param: which of its validations fail, with what words, and its audit annotations.
import { messageOf } from '../../base/errors.ts';
import { attempt, policyForms, type Compiled, type PolicyForms } from '../../kinds/admission/policy-forms.ts';
import type { ValidatingAdmissionPolicy, Validation } from '../../kinds/generated/api-types.ts';
import type { ExpressionInput } from '../expression-input.ts';
import { judge, OUT_OF_BUDGET, type Evaluated } from '../match-conditions.ts';
import { createEvaluator, type Evaluator } from './evaluator.ts';

export interface Judgement {
  failures: { index: number; message: string; reason: string }[];
  /** Without value: left out. */
  annotations: { key: string; value?: string; error?: string }[];
}

const MESSAGE_MAX_BYTES = 5 * 1024;

interface Program {
  forms: PolicyForms;
  conditions: Compiled[];
  validations: { expression: Compiled; message: Compiled | undefined }[];
  annotations: Compiled[];
}

const programs = new WeakMap<ValidatingAdmissionPolicy, Program>();

function programOf(policy: ValidatingAdmissionPolicy): Program {
  const known = programs.get(policy);
  if (known !== undefined) return known;
  const { matchConditions = [], validations = [], auditAnnotations = [] } = policy.spec;
  const forms = policyForms(policy.spec);
  const program: Program = {
    forms,
    conditions: matchConditions.map(({ expression }) => attempt(expression, forms.condition)),
    validations: validations.map(({ expression, messageExpression = '' }) => ({ expression: attempt(expression, forms.validation), message: messageExpression === '' ? undefined : attempt(messageExpression, forms.message) })),
    annotations: auditAnnotations.map(({ valueExpression }) => attempt(valueExpression, forms.annotation)),
  };
  programs.set(policy, program);
  return program;
}

export function judgePolicy(policy: ValidatingAdmissionPolicy, input: ExpressionInput): Judgement {
  const { matchConditions = [], failurePolicy } = policy.spec;
  const program = programOf(policy);
  const evaluator = createEvaluator(program.forms, input);
  const strict = failurePolicy !== 'Ignore';
  const broken = (message: string): Judgement => ({ failures: strict ? [{ index: 0, message, reason: '' }] : [], annotations: [] });
  try {
    if (matchConditions.length > 0) {
      const { met, error } = judge(matchConditions, program.conditions, evaluator.variables);
      if (error !== undefined) return broken(error);
      if (!met) return { failures: [], annotations: [] };
    }
    const failures = failuresOf(policy, program, { evaluator, strict });
    return typeof failures === 'string' ? broken(failures) : { failures, annotations: annotationsOf(policy, program, { evaluator, strict }) };
  } catch (error) {
    return broken(messageOf(error));
  }
}

interface Judging {
  evaluator: Evaluator;
  /** Errors count as failures. */
  strict: boolean;
}

/** A text when the budget ran out. */
function failuresOf({ spec: { validations = [] } }: ValidatingAdmissionPolicy, program: Program, { evaluator, strict }: Judging): Judgement['failures'] | string {
  const results = validations.map(({ expression }, index) => evaluator.run(program.validations[index]?.expression ?? { problem: '' }, expression));
  if (results.includes(OUT_OF_BUDGET)) return OUT_OF_BUDGET;
  const failures: Judgement['failures'] = [];
  for (const [index, result] of (results as Exclude<Evaluated, string>[]).entries()) {
    const validation = validations[index];
    if (validation === undefined || ('value' in result && result.value === true)) continue;
    if ('error' in result) {
      if (strict) failures.push({ index, message: result.error, reason: '' });
    } else failures.push({ index, message: messageFor(validation, program.validations[index]?.message, evaluator), reason: validation.reason ?? 'Invalid' });
  }
  return failures;
}

/** The message expression's, if it gives a line of text; else the fixed one; else the expression itself. */
function messageFor({ expression, message = '', messageExpression = '' }: Validation, compiled: Compiled | undefined, evaluator: Evaluator): string {
  const result = compiled === undefined ? undefined : evaluator.run(compiled, messageExpression);
  const computed = result !== undefined && typeof result === 'object' && 'value' in result && typeof result.value === 'string' ? result.value.trim() : '';
  if (computed !== '' && !computed.includes('\n') && Buffer.byteLength(computed) <= MESSAGE_MAX_BYTES) return computed;
  return message.trim() === '' ? `failed expression: ${expression.trim()}` : message.trim();
}

function annotationsOf({ spec: { auditAnnotations = [] } }: ValidatingAdmissionPolicy, program: Program, { evaluator, strict }: Judging): Judgement['annotations'] {
  return auditAnnotations.map(({ key, valueExpression }, index) => {
    const result = evaluator.run(program.annotations[index] ?? { problem: '' }, valueExpression);
    if (result === OUT_OF_BUDGET) return strict ? { key, error: OUT_OF_BUDGET } : { key };
    if ('error' in result) return strict ? { key, error: result.error } : { key };
    const text = typeof result.value === 'string' ? result.value.trim() : '';
    return text === '' ? { key } : { key, value: text };
  });
}
