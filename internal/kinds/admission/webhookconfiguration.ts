// Mutating and validating webhook configurations: defaults, validation and row (upstream: pkg/apis/admissionregistration).
import { objectAge } from '../../api/age.ts';
import type { MutatingWebhook, MutatingWebhookConfiguration, ValidatingWebhook, ValidatingWebhookConfiguration } from '../generated/api-types.ts';
import type { FieldError } from '../../api/field-error.ts';
import { validateWebhooks } from './webhook-validation.ts';
import type { KindRules } from '../kind.ts';

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration;

const validation = {
  allowUnconditionalUpdate: false,
  validateCreate: ({ webhooks = [] }: Configuration): FieldError[] => validateWebhooks(webhooks),
  validateUpdate: ({ webhooks = [] }: Configuration, old: Configuration): FieldError[] => validateWebhooks(webhooks, old.webhooks ?? []),
};

export const mutatingWebhookConfiguration: KindRules<MutatingWebhookConfiguration> = {
  plainFinalizers: true,
  applyDefaults: ({ webhooks = [] }) => {
    for (const webhook of webhooks) {
      webhookDefaults(webhook);
      webhook.reinvocationPolicy ??= 'Never';
    }
  },
  ...validation,
  cells: (object, now) => [object.metadata.name, (object.webhooks ?? []).length, objectAge(object, now)],
};

export const validatingWebhookConfiguration: KindRules<ValidatingWebhookConfiguration> = {
  plainFinalizers: true,
  applyDefaults: ({ webhooks = [] }) => { webhooks.forEach(webhookDefaults); },
  ...validation,
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
