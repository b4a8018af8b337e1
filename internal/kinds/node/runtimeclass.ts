// RuntimeClass: validation and row (upstream: pkg/apis/node).
import { objectAge } from '../../api/age.ts';
import { duplicate, invalid, required, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems } from '../../api/names.ts';
import type { RuntimeClass, Toleration } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { validateLabels } from '../label-selector.ts';
import { nodeSelectorWarnings } from '../core/node-label-warnings.ts';
import { validateTolerations } from '../pod-spec/placement.ts';
import { validateResources } from '../pod-spec/resources.ts';

export const runtimeClass: KindRules<RuntimeClass> = {
  plainFinalizers: true,
  allowCreateOnUpdate: true,
  validate: ({ handler = '', overhead, scheduling }: Partial<RuntimeClass>) => [
    ...(handler === '' ? [required('handler')] : dnsLabelProblems(handler).map((problem) => invalid('handler', handler, problem))),
    ...(overhead?.podFixed === undefined ? [] : validateResources({ limits: overhead.podFixed }, 'overhead', new Set())),
    ...validateLabels(scheduling?.nodeSelector, 'scheduling.nodeSelector'),
    ...validateUnique(scheduling?.tolerations ?? [], 'scheduling.tolerations'),
  ],
  allowUnconditionalUpdate: false,
  warnings: ({ scheduling }) => nodeSelectorWarnings(scheduling?.nodeSelector, () => 'scheduling.nodeSelector'),
  validateUpdate: ({ handler }, old) => (handler === old.handler ? [] : [invalid('handler', handler ?? '', 'field is immutable')]),
  cells: (object, now) => [object.metadata.name, object.handler, objectAge(object, now)],
};

function validateUnique(tolerations: readonly Toleration[], path: string): FieldError[] {
  const seen = new Set<string>();
  const twice = tolerations.flatMap((toleration, index) => {
    const { key, operator, value, effect } = toleration;
    const identity = JSON.stringify([key, operator, value, effect]);
    if (seen.has(identity)) return [duplicate(`${path}[${String(index)}]`, toleration)];
    seen.add(identity);
    return [];
  });
  return [...validateTolerations(tolerations, path), ...twice];
}
