// PodTemplate: defaults and row (upstream: pkg/apis/core).
import type { PodTemplate } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { containerCells, formatLabels } from '../cells.ts';
import { podSpecDefaults } from '../pod-spec/defaults.ts';
import { validatePodTemplate } from './pod-template.ts';
import { isNews, templateWarnings } from '../pod-spec/warnings.ts';

export const podTemplate: KindRules<PodTemplate> = {
  warnings: (object, old) => (isNews(object, old) ? templateWarnings(object.template, 'template') : []),
  applyDefaults: ({ template }) => { podSpecDefaults(template?.spec); },
  validate: ({ template }) => validatePodTemplate(template, 'template'),
  cells: ({ metadata, template }) => [metadata.name, ...containerCells(template?.spec?.containers), formatLabels(template?.metadata?.labels)],
};
