// MutatingAdmissionWebhook: webhooks are asked one after another, each about what the one before left; their JSON patches are applied, and
// the object is read anew after each. When one changed something, all plugins run once more, and with them those webhooks that asked to be.
import { messageOf } from '../../base/errors.ts';
import { sameJson } from '../../api/json-equality.ts';
import { parseJson } from '../../api/json.ts';
import { copy, type KubeObject } from '../../api/meta.ts';
import { applyJsonPatch } from '../../api/patch/json.ts';
import type { Schemas } from '../../api/schema.ts';
import type { AdmissionPlugin, AdmissionRequest, Rounds } from '../admission.ts';
import { become, converted, definitionOf, fillIn, internal, prune, typed } from '../forms.ts';
import { isExempt, objectKindOf } from '../matching.ts';
import { reinvocationOf, type Reinvocation } from '../reinvocation.ts';
import { asFailure, askWebhook, CallFailure, type Calling, type Subject } from './call.ts';
import { hooksOf, type Hook } from './hooks.ts';
import type { Verdict } from './review.ts';
import { conditionsMet, selectedBy, type Selecting } from './selection.ts';
import type { ConditionSource } from '../match-conditions.ts';

export type MutatingOptions = Calling & Selecting & ConditionSource & { schemas: Schemas };

export function mutatingWebhooks(options: MutatingOptions): AdmissionPlugin {
  return {
    name: 'MutatingAdmissionWebhook',
    async mutate(request, rounds) {
      if (isExempt(request)) return;
      const hooks = hooksOf(options.store, 'mutating');
      if (hooks.length === 0) return;
      const reinvocation = reinvocationOf('MutatingAdmissionWebhook', request, rounds);
      for (const [index, hook] of hooks.entries()) await ask(options, hook, { request, rounds, reinvocation, index });
      reinvocation.finish();
    },
  };
}

interface Asking {
  request: AdmissionRequest;
  rounds: Rounds;
  reinvocation: Reinvocation;
  index: number;
}

async function ask(options: MutatingOptions, hook: Hook, { request, rounds, reinvocation, index }: Asking): Promise<void> {
  const { webhook, id } = hook;
  const as = selectedBy(hook, request, options);
  if (as === undefined) return;
  const form = (object: KubeObject | undefined): Promise<KubeObject | undefined> => (object === undefined ? Promise.resolve(undefined) : converted(object, { from: request.kind, to: as, subresource: request.subresource }));
  const subject: Subject = { as, object: await form(request.object), old: await form(request.old) };
  if (!conditionsMet(hook, { ...options, ...subject, request })) return;
  if (!reinvocation.isDue(id)) return;
  const place = `round_${String(rounds.round)}_index_${String(index)}`;
  const note = (mutated: boolean): void => request.annotate?.(`mutation.webhook.admission.k8s.io/${place}`, JSON.stringify({ configuration: hook.configuration, webhook: webhook.name, mutated }));
  try {
    const verdict = await askWebhook(options, webhook, { request, subject, mutating: true });
    const changed = await applyPatch(options, hook, { request, subject, verdict, place });
    note(changed);
    if (changed) {
      reinvocation.changed();
    }
  } catch (error) {
    note(false);
    const failure = asFailure(error, webhook);
    if (failure !== undefined) throw failure;
    request.annotate?.(`failed-open.mutation.webhook.admission.k8s.io/${place}`, webhook.name);
  }
  if (webhook.reinvocationPolicy === 'IfNeeded') reinvocation.willing(id);
}

/** Whether it changed anything. */
async function applyPatch({ schemas }: MutatingOptions, { webhook, configuration }: Hook, change: { request: AdmissionRequest; subject: Subject; verdict: Verdict; place: string }): Promise<boolean> {
  const { request, subject: { as, object }, verdict: { patch, patchType = '' }, place } = change;
  const operations = patch === undefined ? [] : decodePatch(webhook.name, patch);
  if (operations.length === 0) return false;
  if (object === undefined || request.object === undefined) throw internal(`admission webhook ${JSON.stringify(webhook.name)} attempted to modify the object, which is not supported for this operation`);
  if (patchType !== 'JSONPatch') throw new CallFailure(webhook.name, `unsupported patch type ${JSON.stringify(patchType)}`);
  const gvk = objectKindOf(as, request.subresource);
  const before = typed(object, gvk);
  const next = patched(copy(before), operations);
  const { apiVersion, kind } = before;
  const { apiVersion: nextVersion = apiVersion, kind: nextKind = kind } = next as Partial<KubeObject>;
  if (nextVersion !== apiVersion || nextKind !== kind) throw internal(`admission webhook ${JSON.stringify(webhook.name)} attempted to make ${apiVersion}, Kind=${kind} into ${nextVersion}, Kind=${nextKind}`);
  const definition = definitionOf(gvk, schemas);
  prune(next, definition, schemas);
  const changed = !sameJson(before, next);
  request.annotate?.(`patch.webhook.admission.k8s.io/${place}`, JSON.stringify({ configuration, webhook: webhook.name, patch: operations, patchType }));
  fillIn(next, definition, schemas);
  become(request.object, copy(await converted(next, { from: as, to: request.kind, subresource: request.subresource })));
  return changed;
}

function decodePatch(webhook: string, patch: string): unknown[] {
  try {
    const operations = parseJson(Buffer.from(patch, 'base64').toString(), () => {});
    if (!Array.isArray(operations)) throw new Error('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
    return operations;
  } catch (error) {
    throw new CallFailure(webhook, `received undecodable patch in webhook response: ${messageOf(error)}`, error);
  }
}

function patched(document: KubeObject, operations: unknown[]): KubeObject {
  try {
    return applyJsonPatch(document, operations) as KubeObject;
  } catch (error) {
    throw internal(messageOf((error as Error).cause ?? error), error);
  }
}
