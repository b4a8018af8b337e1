// ReplicationController: a ReplicaSet with a plain map as its selector, see replicas.ts.
import { REPLICATIONCONTROLLERS } from '../../kinds/generated/resources.ts';
import type { ControllerLoop } from '../action.ts';
import { replicaLoop, type ReplicaState } from './replicas.ts';

export function replicationControllerLoop(): ControllerLoop<ReplicaState> {
  return replicaLoop({
    loopName: 'replication-controller',
    resource: REPLICATIONCONTROLLERS,
    selector: ({ spec }) => (spec?.selector === undefined ? { matchExpressions: [{ key: '', operator: 'Exists' }] } : { matchLabels: spec.selector }),
    countsTerminating: false,
  });
}
