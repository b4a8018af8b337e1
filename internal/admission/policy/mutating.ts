// MutatingAdmissionPolicy: policies bound to the request change its object one after another, each mutation on what the one before left. When
// something changed, all plugins run once more, and with them those policies that asked to be.
import { messageOf, StatusError } from '../../base/errors.ts';
import { sameJson } from '../../api/json-equality.ts';
import { copy, type KubeObject } from '../../api/meta.ts';
import type { Schemas } from '../../api/schema.ts';
import { forbidden } from '../../authz/forbidden.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import { attempt, policyForms, type Compiled, type PolicyForms } from '../../kinds/admission/policy-forms.ts';
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from '../../kinds/generated/api-types.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { ExpressionInput } from '../expression-input.ts';
import { become, converted, typed } from '../forms.ts';
import { isExemptFromPolicies, objectKindOf } from '../matching.ts';
import { reinvocationOf, type Reinvocation } from '../reinvocation.ts';
import { judge } from '../match-conditions.ts';
import { createEvaluator } from './evaluator.ts';
import { invocationsOf, isMisconfiguration, namespaceOf, type Invocation, type Sources } from './invocations.ts';
import { mutated, mutatorOf, type Mutator } from './mutation.ts';
import { nameOf } from './validating.ts';

export type MutatingPolicyOptions = Sources & { authorizer: Authorizer; schemas: Schemas };

type Policy = MutatingAdmissionPolicy;
type Binding = MutatingAdmissionPolicyBinding;
type Bound = Invocation<Policy, Binding>;

interface Program {
  forms: PolicyForms;
  conditions: Compiled[];
  mutators: Mutator[];
}

const programs = new WeakMap<Policy, Program>();

function programOf(policy: Policy): Program {
  const known = programs.get(policy);
  if (known !== undefined) return known;
  const { matchConditions = [], mutations = [] } = policy.spec;
  const forms = policyForms(policy.spec);
  const program = { forms, conditions: matchConditions.map(({ expression }) => attempt(expression, forms.condition)), mutators: mutations.map((mutation) => mutatorOf(mutation, forms)) };
  programs.set(policy, program);
  return program;
}

export function mutatingPolicies(options: MutatingPolicyOptions): AdmissionPlugin {
  return {
    name: 'MutatingAdmissionPolicy',
    async mutate(request, rounds) {
      if (isExemptFromPolicies(request) || request.operation === 'DELETE') return;
      const found = await invocationsOf<Policy, Binding>('mutating', request, options);
      if (found.length === 0) return;
      const reinvocation = reinvocationOf('MutatingAdmissionPolicy', request, rounds);
      const problems: Problem[] = [];
      let dirty = false;
      const mutated = (): void => { dirty = true; };
      for (const one of found) {
        const { metadata: { name }, spec: { failurePolicy } } = one.policy;
        const place = one.binding === undefined ? `policy ${JSON.stringify(name)} denied request: ` : `policy '${name}' with binding '${one.binding.metadata.name}' denied request: `;
        const reason = isMisconfiguration(one) ? 'Forbidden' : 'Invalid';
        const own = isMisconfiguration(one) ? [one.problem] : await invoke(options, one, { request, reinvocation, mutated });
        if (failurePolicy !== 'Ignore') problems.push(...own.map((problem) => ({ message: place + problem, reason })));
      }
      // What was mutated, changed or not, is shown once more to all who are willing, whose own change it may have been.
      if (dirty) reinvocation.changed();
      reinvocation.finish();
      const [first] = problems;
      if (first !== undefined) throw refusal(request, first, problems);
    },
  };
}

interface Problem {
  message: string;
  reason: string;
}

function refusal(request: AdmissionRequest, { message, reason }: Problem, all: readonly Problem[]): StatusError {
  const { details } = forbidden(request.kind, nameOf(request), '');
  return new StatusError('Forbidden', message, { shownReason: reason, details: { ...details, causes: all.map((problem) => ({ message: problem.message })) } });
}

interface Running {
  request: AdmissionRequest;
  reinvocation: Reinvocation;
  /** A mutation has been made, whether it changed anything or not. */
  mutated(): void;
}

/** What went wrong, by the policy's own fault. */
async function invoke(options: MutatingPolicyOptions, { policy, binding, as, params }: Bound, { request, reinvocation, mutated }: Running): Promise<string[]> {
  const problems: string[] = [];
  for (const param of params) {
    const id = [policy.metadata.name, binding.metadata.name, param?.metadata.namespace ?? '', param?.metadata.name ?? ''].join('/');
    const input = await inputOf(options, request, { as, param });
    const { matchConditions = [], reinvocationPolicy } = policy.spec;
    const program = programOf(policy);
    if (matchConditions.length > 0) {
      const { met, error } = judge(matchConditions, program.conditions, createEvaluator(program.forms, input).variables);
      if (error !== undefined) problems.push(error);
      if (!met) continue;
    }
    if (!reinvocation.isDue(id)) continue;
    const before = input.object;
    const after = mutateAll(options, program, { input, problems, mutated });
    if (before !== undefined && after !== undefined && request.object !== undefined && !sameJson(before, after)) {
      become(request.object, copy(await converted(after, { from: as, to: request.kind, subresource: request.subresource })));
      reinvocation.changed();
    }
    if (reinvocationPolicy === 'IfNeeded') reinvocation.willing(id);
  }
  return problems;
}

async function inputOf({ store, authorizer }: MutatingPolicyOptions, request: AdmissionRequest, { as, param }: { as: Bound['as']; param: KubeObject | undefined }): Promise<ExpressionInput> {
  const gvk = objectKindOf(as, request.subresource);
  const form = async (object: KubeObject | undefined): Promise<KubeObject | undefined> => (object === undefined ? undefined : typed(await converted(object, { from: request.kind, to: as, subresource: request.subresource }), gvk));
  return { request, as, object: await form(request.object), old: await form(request.old), authorizer, params: param ?? null, namespaceObject: namespaceOf(request, store) };
}

function mutateAll({ schemas }: MutatingPolicyOptions, { forms, mutators }: Program, { input, problems, mutated: done }: { input: ExpressionInput; problems: string[]; mutated(): void }): KubeObject | undefined {
  let { object } = input;
  const gvk = objectKindOf(input.as, input.request.subresource);
  for (const mutator of mutators) {
    if (object === undefined) return undefined;
    try {
      object = mutated(object, mutator, { evaluator: createEvaluator(forms, { ...input, object }), gvk, schemas });
      done();
    } catch (error) {
      if (error instanceof StatusError) throw error;
      problems.push(messageOf(error));
    }
  }
  return object;
}
