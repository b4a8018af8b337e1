// Which pods of a namespace are below a level that it is about to get: one line for each kind of violation, with the first of its pods.
import type { Pod } from '../../kinds/generated/api-types.ts';
import type { Store } from '../../store/store.ts';
import { evaluate, reasonsOf } from './evaluation.ts';
import { formatLevelVersion, type LevelVersion } from './policy.ts';

const PODS = { group: '', resource: 'pods' };
const PODS_MAX = 3000;

export function existingPodWarnings(store: Store, namespace: string, enforce: LevelVersion): string[] {
  const pods = prioritized(store, namespace);
  const found = new Map<string, string[]>();
  for (const { metadata, spec } of pods.slice(0, PODS_MAX)) {
    const findings = evaluate({ annotations: metadata.annotations ?? {}, spec }, enforce);
    if (findings.length > 0) found.set(reasonsOf(findings), [...(found.get(reasonsOf(findings)) ?? []), metadata.name]);
  }
  const lines = [...found].map(([reasons, names]) => `${[...names].sort()[0] ?? ''}${others(names.length - 1)}: ${reasons}`).sort();
  return [
    ...(pods.length > PODS_MAX ? [`new PodSecurity enforce level only checked against the first ${String(PODS_MAX)} of ${String(pods.length)} existing pods`] : []),
    ...(lines.length > 0 ? [`existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${JSON.stringify(formatLevelVersion(enforce))}`] : []),
    ...lines,
  ];
}

function others(count: number): string {
  return count === 0 ? '' : ` (and ${String(count)} other ${count === 1 ? 'pod' : 'pods'})`;
}

/** One pod of each controller first. */
function prioritized(store: Store, namespace: string): Pod[] {
  const [first, more]: [Pod[], Pod[]] = [[], []];
  const controllers = new Set<string>();
  store.list(PODS, {
    namespace,
    visit(object) {
      const controller = object.metadata.ownerReferences?.find((owner) => owner.controller === true)?.uid;
      (controller !== undefined && controllers.has(controller) ? more : first).push(object as Pod);
      if (controller !== undefined) controllers.add(controller);
      return true;
    },
  });
  return [...first, ...more];
}
