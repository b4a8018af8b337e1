// FlowSchema and PriorityLevelConfiguration: defaults and rows (upstream: pkg/apis/flowcontrol).
import { objectAge } from '../../api/age.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '../generated/api-types.ts';
import { keepMetadata, WRITERS_OWN } from '../kept-metadata.ts';
import type { KindRules } from '../kind.ts';
import { validateConditions, validateFlowSchema, validatePriorityLevel } from './flowcontrol-validation.ts';

export const flowSchema: KindRules<FlowSchema> = {
  prepareForStatusUpdate: (draft, old) => keepMetadata(WRITERS_OWN, draft, old),
  applyDefaults: (draft) => { (draft.spec ??= {} as FlowSchema['spec']).matchingPrecedence ||= 1000; },
  validate: (object) => validateFlowSchema(object),
  validateStatusUpdate: ({ status }) => validateConditions(status),
  // In the order in which they are tried.
  compareRows: (a, b) => (a.spec?.matchingPrecedence ?? 0) - (b.spec?.matchingPrecedence ?? 0) || (a.metadata.name < b.metadata.name ? -1 : 1),
  cells: (object, now) => {
    const { spec, status } = object;
    const dangling = status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?';
    return [object.metadata.name, spec?.priorityLevelConfiguration?.name ?? '', spec?.matchingPrecedence ?? 0, spec?.distinguisherMethod?.type ?? '<none>', objectAge(object, now), dangling];
  },
};

export const priorityLevelConfiguration: KindRules<PriorityLevelConfiguration> = {
  prepareForStatusUpdate: (draft, old) => keepMetadata(WRITERS_OWN, draft, old),
  validate: (object) => validatePriorityLevel(object),
  validateStatusUpdate: ({ status }) => validateConditions(status),
  applyDefaults: ({ spec }) => {
    for (const part of [spec?.exempt, spec?.limited]) {
      if (part === undefined) continue;
      part.nominalConcurrencyShares ??= part === spec?.exempt ? 0 : 30;
      part.lendablePercent ??= 0;
    }
    const queuing = spec?.limited?.limitResponse?.queuing;
    if (queuing === undefined) return;
    queuing.handSize ||= 8;
    queuing.queues ||= 64;
    queuing.queueLengthLimit ||= 50;
  },
  cells: (object, now) => {
    const limited = object.spec?.limited;
    const queuing = limited?.limitResponse?.queuing;
    return [
      object.metadata.name, object.spec?.type ?? '', limited?.nominalConcurrencyShares ?? '<none>', queuing?.queues ?? '<none>', queuing?.handSize ?? '<none>',
      queuing?.queueLengthLimit ?? '<none>', objectAge(object, now),
    ];
  },
};
