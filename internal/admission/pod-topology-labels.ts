// PodTopologyLabels: a pod carries the zone and region of its node, from the moment it has one, so that it can be told of them as of its own labels.
import type { KubeObject } from '../api/meta.ts';
import type { Node, Pod } from '../kinds/generated/api-types.ts';
import type { Store } from '../store/store.ts';
import type { AdmissionPlugin } from './admission.ts';

const NODES = { group: '', resource: 'nodes' };
const LABELS: readonly string[] = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

type Binding = KubeObject & { target?: { kind?: string; name?: string } };

export function podTopologyLabels(store: Store): AdmissionPlugin {
  return {
    name: 'PodTopologyLabels',
    mutate({ kind, operation, subresource, object }) {
      if (operation !== 'CREATE' || kind.group !== '' || kind.resource !== 'pods' || object === undefined) return;
      const labels = labelsOf(store, subresource === '' ? (object as Pod).spec.nodeName : subresource === 'binding' ? targetOf(object) : undefined);
      if (labels.length > 0) object.metadata.labels = { ...object.metadata.labels, ...Object.fromEntries(labels) };
    },
  };
}

function targetOf({ target }: Binding): string | undefined {
  return target?.kind === 'Node' ? target.name : undefined;
}

function labelsOf(store: Store, nodeName: string | undefined): [string, string][] {
  if (!nodeName) return [];
  const node = store.get(NODES, { namespace: '', name: nodeName }) as Node | undefined;
  return Object.entries(node?.metadata.labels ?? {}).filter(([key]) => LABELS.includes(key));
}
