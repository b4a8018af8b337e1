// ValidatingAdmissionWebhook: all webhooks that are concerned are asked at once, after every change has been made; the first refusal counts.
import type { KubeObject } from '../../api/meta.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { converted } from '../forms.ts';
import { isExempt } from '../matching.ts';
import type { ConditionSource } from '../match-conditions.ts';
import { asFailure, askWebhook, type Calling, type Subject } from './call.ts';
import { hooksOf, type Hook } from './hooks.ts';
import { conditionsMet, selectedBy, type Selecting } from './selection.ts';

export type ValidatingOptions = Calling & Selecting & ConditionSource;

export function validatingWebhooks(options: ValidatingOptions): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    async validate(request) {
      if (isExempt(request)) return;
      const hooks = hooksOf(options.store, 'validating');
      if (hooks.length === 0) return;
      const concerned: { hook: Hook; subject: Subject }[] = [];
      for (const hook of hooks) {
        const subject = await subjectOf(options, hook, request);
        if (subject !== undefined) concerned.push({ hook, subject });
      }
      const refusals = await Promise.all(concerned.map(({ hook, subject }, index) => ask(options, hook, { request, subject, index })));
      const refusal = refusals.find((one) => one !== undefined);
      if (refusal !== undefined) throw refusal;
    },
  };
}

/** undefined: the webhook is not concerned. */
async function subjectOf(options: ValidatingOptions, hook: Hook, request: AdmissionRequest): Promise<Subject | undefined> {
  const as = selectedBy(hook, request, options);
  if (as === undefined) return undefined;
  const form = (object: KubeObject | undefined): Promise<KubeObject | undefined> => (object === undefined ? Promise.resolve(undefined) : converted(object, { from: request.kind, to: as, subresource: request.subresource }));
  const subject = { as, object: await form(request.object), old: await form(request.old) };
  return conditionsMet(hook, { ...options, ...subject, request }) ? subject : undefined;
}

async function ask(options: ValidatingOptions, { webhook }: Hook, { request, subject, index }: { request: AdmissionRequest; subject: Subject; index: number }): Promise<Error | undefined> {
  try {
    await askWebhook(options, webhook, { request, subject, mutating: false });
    return undefined;
  } catch (error) {
    const failure = asFailure(error, webhook);
    if (failure === undefined) request.annotate?.(`failed-open.validating.webhook.admission.k8s.io/round_0_index_${String(index)}`, webhook.name);
    return failure;
  }
}
