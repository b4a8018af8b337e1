// ReplicaSet: see replicas.ts.
import { REPLICASETS } from '../../kinds/generated/resources.ts';
import type { ControllerLoop } from '../action.ts';
import { replicaLoop, type ReplicaState } from './replicas.ts';

export function replicaSetLoop(): ControllerLoop<ReplicaState> {
  return replicaLoop({ loopName: 'replicaset-controller', resource: REPLICASETS, selector: ({ spec }) => spec.selector, countsTerminating: true });
}
