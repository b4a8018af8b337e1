// Claims that are to grow: nobody here can do it, the driver's own resizer is waited for, and the claim says so (upstream: pkg/controller/volume/expand, whose
// in-tree plugins are gone).
import { parseKey } from '../../api/meta.ts';
import { compareQuantities } from '../../api/quantity.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../kinds/generated/api-types.ts';
import { PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES } from '../../kinds/generated/resources.ts';
import { controllerLoop, note, type Action, type ControllerLoop } from '../action.ts';
import { claimKey } from './claim-use.ts';

export interface ExpansionState {
  claim: PersistentVolumeClaim;
  volume: PersistentVolume | undefined;
}

export function volumeExpansionLoop(): ControllerLoop<ExpansionState> {
  return controllerLoop<ExpansionState>({
    name: 'expand-controller',
    wakes: [wake(PERSISTENTVOLUMECLAIMS, (claim, _views, previous) => (grows(claim) && (previous === undefined || wishOf(previous) !== wishOf(claim)) ? [claimKey(claim)] : []))],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const claim = views.of(PERSISTENTVOLUMECLAIMS).get(namespace, name);
      return claim === undefined ? undefined : { claim, volume: views.of(PERSISTENTVOLUMES).get('', claim.spec.volumeName ?? '') };
    },
    plan,
  });
}

export function plan({ claim, volume }: ExpansionState): Plan<Action> {
  if (!grows(claim) || volume?.spec.claimRef?.uid !== claim.metadata.uid) return { actions: [] };
  return { actions: [{ type: 'event', note: note(claim, 'Normal', 'ExternalExpanding', 'waiting for an external controller to expand this PVC') }] };
}

function wishOf({ spec }: PersistentVolumeClaim): string {
  return spec.resources?.requests?.['storage'] ?? '0';
}

function grows(claim: PersistentVolumeClaim): boolean {
  return claim.status?.phase === 'Bound' && compareQuantities(wishOf(claim), claim.status.capacity?.['storage'] ?? '0') > 0;
}
