// Mutating and validating webhook configurations: defaults and row (upstream: pkg/apis/admissionregistration).
import { objectAge } from '../api/age.ts';
import type { MutatingWebhook, MutatingWebhookConfiguration, ValidatingWebhook, ValidatingWebhookConfiguration } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';

export const mutatingWebhookConfiguration: KindRules<MutatingWebhookConfiguration> = {
  applyDefaults: ({ webhooks = [] }) => {
    for (const webhook of webhooks) {
      webhookDefaults(webhook);
      webhook.reinvocationPolicy ??= 'Never';
    }
  },
  cells: (object, now) => [object.metadata.name, (object.webhooks ?? []).length, objectAge(object, now)],
};

export const validatingWebhookConfiguration: KindRules<ValidatingWebhookConfiguration> = {
  applyDefaults: ({ webhooks = [] }) => { webhooks.forEach(webhookDefaults); },
  cells: (object, now) => [object.metadata.name, (object.webhooks ?? []).length, objectAge(object, now)],
};

function webhookDefaults(webhook: MutatingWebhook | ValidatingWebhook): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= 10;
  for (const rule of webhook.rules ?? []) rule.scope ??= '*';
  if (webhook.clientConfig?.service !== undefined) webhook.clientConfig.service.port ??= 443;
}
