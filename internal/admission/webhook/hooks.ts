// The webhooks there are: those of all configurations, configurations by name, webhooks as they stand. Read from the store at each request,
// so that a change counts at once; what is made of a configuration is kept as long as that object is.
import type { KubeObject } from '../../api/meta.ts';
import type { MutatingWebhook, MutatingWebhookConfiguration, ValidatingWebhook, ValidatingWebhookConfiguration } from '../../kinds/generated/api-types.ts';
import type { Store } from '../../store/store.ts';

export type Webhook = MutatingWebhook & ValidatingWebhook;

export interface Hook {
  /** `configuration/webhook/n`: the n-th of that name there. */
  id: string;
  configuration: string;
  webhook: Webhook;
}

export type Type = 'mutating' | 'validating';

const known = new WeakMap<KubeObject, Hook[]>();

export function hooksOf(store: Store, type: Type): Hook[] {
  const hooks: Hook[] = [];
  store.list({ group: 'admissionregistration.k8s.io', resource: `${type}webhookconfigurations` }, {
    visit(object) {
      hooks.push(...hooksIn(object as MutatingWebhookConfiguration | ValidatingWebhookConfiguration));
      return true;
    },
  });
  return hooks;
}

function hooksIn(configuration: MutatingWebhookConfiguration | ValidatingWebhookConfiguration): Hook[] {
  const found = known.get(configuration);
  if (found !== undefined) return found;
  const { name } = configuration.metadata;
  const seen = new Map<string, number>();
  const hooks = ((configuration.webhooks ?? []) as Webhook[]).map((webhook) => {
    const count = seen.get(webhook.name) ?? 0;
    seen.set(webhook.name, count + 1);
    return { id: `${name}/${webhook.name}/${String(count)}`, configuration: name, webhook };
  });
  known.set(configuration, hooks);
  return hooks;
}
