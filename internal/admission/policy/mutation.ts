// One mutation of a MutatingAdmissionPolicy on one object: its expression gives a configuration to apply or a JSON patch; what comes out is
// read anew with defaults.
import { messageOf, StatusError } from '../../base/errors.ts';
import { misnamedObjects, toJson } from '../../cel/index.ts';
import { copy, type GroupVersionKind, type KubeObject } from '../../api/meta.ts';
import { applyJsonPatch, isFailedTest } from '../../api/patch/json.ts';
import type { Schemas } from '../../api/schema.ts';
import { attempt, mutationForm, type Compiled, type PolicyForms } from '../../kinds/admission/policy-forms.ts';
import type { Mutation } from '../../kinds/generated/api-types.ts';
import { definitionOf, fillIn, internal, prune } from '../forms.ts';
import { OUT_OF_BUDGET } from '../match-conditions.ts';
import { applyConfiguration } from './apply-configuration.ts';
import type { Evaluator } from './evaluator.ts';

export interface Mutator {
  mutation: Mutation;
  expression: string;
  compiled: Compiled;
}

export function mutatorOf(mutation: Mutation, forms: PolicyForms): Mutator {
  const { expression = '' } = (mutation.patchType === 'JSONPatch' ? mutation.jsonPatch : mutation.applyConfiguration) ?? {};
  return { mutation, expression, compiled: attempt(expression, mutationForm(forms.free, mutation.patchType)) };
}

/** A new object. Throws an Error that counts by the failurePolicy, or a StatusError that does not. */
export function mutated(object: KubeObject, { mutation: { patchType }, expression, compiled }: Mutator, { evaluator, gvk, schemas }: { evaluator: Evaluator; gvk: GroupVersionKind; schemas: Schemas }): KubeObject {
  const definition = definitionOf(gvk, schemas);
  if (definition === undefined) throw new StatusError('ServiceUnavailable', `Resource kind ${gvk.group}/${gvk.version}, Kind=${gvk.kind} not found. There can be a delay between when CustomResourceDefinitions are created and when they are available.`);
  if ('problem' in compiled) throw new Error(compiled.problem);
  const result = evaluator.run(compiled, expression);
  if (result === OUT_OF_BUDGET) throw new Error(OUT_OF_BUDGET);
  if ('error' in result) throw new Error(result.error);
  const next = patchType === 'JSONPatch' ? patched(object, result.value) : copy(applyConfiguration(object, configurationOf(result.value), { definition, schemas }));
  if (next.kind !== object.kind || next.apiVersion !== object.apiVersion) throw internal(`converting (${next.apiVersion}, Kind=${next.kind}) to (${object.apiVersion}, Kind=${object.kind}): unknown conversion`);
  prune(next, definition, schemas);
  fillIn(next, definition, schemas);
  return next;
}

function configurationOf(value: unknown): Record<string, unknown> {
  const [misnamed] = misnamedObjects(value);
  if (misnamed !== undefined) throw new Error(`type mismatch: ${misnamed}`);
  return toJson(value) as Record<string, unknown>;
}

function patched(object: KubeObject, value: unknown): KubeObject {
  const operations = operationsOf(value);
  try {
    return applyJsonPatch(copy(object), operations) as KubeObject;
  } catch (error) {
    const cause = (error as Error).cause ?? error;
    if (isFailedTest(cause)) return copy(object); // a patch whose test fails is not meant for this object
    throw error instanceof StatusError ? new Error(`JSON Patch: ${messageOf(cause)}`, { cause: error }) : internal(messageOf(error), error);
  }
}

interface Operation {
  op?: string;
  path?: string;
  from?: string;
  value?: unknown;
}

function operationsOf(value: unknown): Operation[] {
  const operations = toJson(value) as Operation[];
  return operations.map(({ op = '', path = '', from = '', value: given }) => ({ op, path, ...(from !== '' && { from }), ...(given !== undefined && { value: given }) }));
}
