// A pod from a file, filled in and checked as the API server would do it. What that takes is loaded only when there is such a pod.
import type { Pod } from '../../internal/kinds/generated/api-types.ts';
import { apiReferenceOf } from './static-references.ts';

export async function completePod(draft: Pod): Promise<Pod> {
  const [{ loadSchemas }, { applyDefaults, pruneUnknown }, { pod }, { validatePod }] = await Promise.all([import('../../internal/api/schema.ts'), import('../../internal/api/defaults.ts'), import('../../internal/kinds/core/pod.ts'), import('../../internal/kinds/core/pod-validation.ts')]);
  const schemas = loadSchemas();
  const definition = schemas.byKind('', 'v1', 'Pod');
  if (definition === undefined) throw new Error('there is no schema of Pods');
  pruneUnknown(definition, draft, schemas);
  applyDefaults(definition, draft, schemas);
  pod.applyDefaults?.(draft);
  const errors = validatePod(draft);
  if (errors.length > 0) throw new Error(`it is invalid: ${errors.map(({ field, detail }) => `${field}: ${detail}`).join(', ')}`);
  const reference = apiReferenceOf(draft);
  if (reference !== undefined) throw new Error(`static pods may not reference ${reference}`);
  return draft;
}
