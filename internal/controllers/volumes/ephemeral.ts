// Generic ephemeral volumes: a pod that has one gets a claim of its own by its template, which goes with the pod (upstream: pkg/controller/volume/ephemeral).
import { keyOf, parseKey, type Draft } from '../../api/meta.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { PersistentVolumeClaim, Pod } from '../../kinds/generated/api-types.ts';
import { PERSISTENTVOLUMECLAIMS, PODS } from '../../kinds/generated/resources.ts';
import { controllerLoop, create, note, type Action, type ControllerLoop } from '../action.ts';
import { controllerReference } from '../pod-state.ts';

export interface EphemeralState {
  pod: Pod;
  /** Those that are there, by name. */
  claims: ReadonlyMap<string, PersistentVolumeClaim>;
}

export function ephemeralVolumeLoop(): ControllerLoop<EphemeralState> {
  return controllerLoop<EphemeralState>({
    name: 'ephemeral-volume-controller',
    wakes: [
      wake(PODS, (pod, views, previous) => (previous === undefined && views.of(PODS).get(pod.metadata.namespace ?? '', pod.metadata.name) !== undefined ? keysOf(pod) : [])),
      wake(PERSISTENTVOLUMECLAIMS, ({ metadata }, views) => {
        const owner = metadata.ownerReferences?.find(({ kind, controller }) => kind === 'Pod' && controller === true);
        const pod = owner === undefined ? undefined : views.of(PODS).get(metadata.namespace ?? '', owner.name);
        return pod === undefined || views.of(PERSISTENTVOLUMECLAIMS).get(metadata.namespace ?? '', metadata.name) !== undefined ? [] : keysOf(pod);
      }),
    ],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const pod = views.of(PODS).get(namespace, name);
      if (pod === undefined) return undefined;
      const there = ephemeralOf(pod).flatMap(([claim]) => views.of(PERSISTENTVOLUMECLAIMS).get(namespace, claim) ?? []);
      return { pod, claims: new Map(there.map((claim) => [claim.metadata.name, claim])) };
    },
    plan,
  });
}

function keysOf(pod: Pod): string[] {
  return ephemeralOf(pod).length === 0 ? [] : [keyOf(pod)];
}

type Template = NonNullable<NonNullable<NonNullable<Pod['spec']['volumes']>[number]['ephemeral']>['volumeClaimTemplate']>;

function ephemeralOf({ metadata, spec }: Pod): [name: string, template: Template][] {
  return (spec.volumes ?? []).flatMap(({ name, ephemeral }) => (ephemeral?.volumeClaimTemplate === undefined ? [] : [[`${metadata.name}-${name}`, ephemeral.volumeClaimTemplate]]));
}

export function plan({ pod, claims }: EphemeralState): Plan<Action> {
  if (pod.metadata.deletionTimestamp !== undefined) return { actions: [] };
  return { actions: ephemeralOf(pod).flatMap(([name, template]): Action[] => {
    const there = claims.get(name);
    if (there === undefined) return [create(PERSISTENTVOLUMECLAIMS, claimOf(pod, name, template), { failed: note(pod, 'Warning', 'FailedBinding', `ephemeral volume ${name}: create PVC ${name}: $error`) })];
    const isOurs = there.metadata.ownerReferences?.some(({ uid, controller }) => uid === pod.metadata.uid && controller === true) === true;
    return isOurs ? [] : [{ type: 'event', note: note(pod, 'Warning', 'FailedBinding', `ephemeral volume: PVC ${pod.metadata.namespace ?? ''}/${name} was not created for pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name} (pod is not owner)`) }];
  }) };
}

function claimOf(pod: Pod, name: string, { metadata, spec }: Template): Draft<PersistentVolumeClaim> {
  const { labels, annotations } = metadata ?? {};
  return {
    apiVersion: 'v1', kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: pod.metadata.namespace ?? '', ownerReferences: [controllerReference(pod)], ...(labels !== undefined && { labels: { ...labels } }), ...(annotations !== undefined && { annotations: { ...annotations } }) },
    spec,
  };
}
