// What the author of a Job's spec is told (upstream: pkg/api/job).
import type { JobSpec } from '../generated/api-types.ts';
import { templateWarnings } from '../pod-spec/warnings.ts';

const COMPLETIONS_MANY = 100_000;
const PARALLELISM_MANY = 10_000;

export function jobSpecWarnings({ completionMode, completions = 0, parallelism = 0, template }: JobSpec, path: string): string[] {
  const many = completionMode === 'Indexed' && completions > COMPLETIONS_MANY && parallelism > PARALLELISM_MANY;
  return [
    ...(many ? [`${path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`] : []),
    ...templateWarnings(template, `${path}.template`),
  ];
}
